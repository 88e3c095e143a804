"""Health, metrics, the OpenAPI document and the page that shows it."""

import re

import httpx

from app.options import CompressOptions


def test_a_service_with_a_worker_is_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/livez").text == "ok"
    assert client.get("/readyz").json() == {"workers": 1}


def test_metrics_are_in_prometheus_format(client: httpx.Client) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    for name in ("requests", "errors", "bytes_in", "bytes_out", "queue_length", "workers"):
        assert f"# HELP foveate_{name}" in response.text


def test_openapi_lists_every_option_and_body(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/compress"]["post"]
    named = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    assert named == set(CompressOptions.model_fields)
    assert {"image/jpeg", "image/avif", "multipart/mixed", "application/json"} == set(
        operation["responses"]["200"]["content"]
    )
    assert {"202", "304"} <= set(operation["responses"])
    assert set(operation["requestBody"]["content"]) == {
        "image/*",
        "application/octet-stream",
        "multipart/form-data",
    }


def test_the_docs_page_loads_nothing_from_other_hosts(client: httpx.Client) -> None:
    page = client.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/"), source
        assert client.get(source).status_code == 200
