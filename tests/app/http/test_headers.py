"""OpenAPI, CORS and docs/api.md name the same headers, and responses have no others."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from app.http.headers import REQUEST_HEADERS, RESPONSE_HEADERS
from app.main import create_app
from app.service.front_end import Service
from app.settings import AppSettings
from tests.app.http.in_process import NO_REDIS, PHOTO, RESULT, StandInQueue, send, use_service

ROOT: Final = Path(__file__).parents[3]
ORIGIN: Final = "https://app.example"
SETTINGS: Final = AppSettings(
    redis_url=NO_REDIS,
    cors_origins=(ORIGIN,),
    fetch_keys=(SecretStr("0123456789abcdef"),),
    fetch_hosts=("photos.example",),
)
# OpenAPI ignores them among parameters (3.1, 4.8.12.1).
NO_PARAMETERS: Final = {"Accept", "Authorization", "Content-Type"}
# Browsers let all scripts read these (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
SAFELISTED: Final = {
    *("cache-control", "content-language", "content-length"),
    *("content-type", "expires", "last-modified", "pragma"),
}
# For browsers and caches, not for scripts.
FOR_BROWSERS: Final = {
    *("vary", "content-security-policy", "referrer-policy", "x-content-type-options"),
    *("cross-origin-opener-policy", "timing-allow-origin", "connection"),
    *("access-control-allow-origin", "access-control-expose-headers"),
    *("accept-ranges", "content-range", "content-disposition", "x-accel-buffering"),
}


def read_table(heading: str) -> set[str]:
    """Return the headers in the first column of a table of docs/api.md."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    table = text.partition(f"| {heading} | meaning |\n")[2].partition("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall("`(.*?)`", row.split("|")[1])}


def test_the_documentation_names_the_same_headers() -> None:
    assert read_table("request header") == set(REQUEST_HEADERS)
    assert read_table("response header") == set(RESPONSE_HEADERS)


def test_openapi_names_the_same_headers() -> None:
    document: dict[str, Any] = create_app(SETTINGS).openapi()
    operations = [one for path in document["paths"].values() for one in path.values()]
    sent = {
        parameter["name"]
        for operation in operations
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "header"
    }
    assert sent == set(REQUEST_HEADERS) - NO_PARAMETERS
    received = {
        name
        for operation in operations
        for response in operation["responses"].values()
        for name in response.get("headers", {})
    }
    assert received <= set(RESPONSE_HEADERS)


def test_scripts_of_an_allowed_origin_may_send_every_documented_header() -> None:
    for name in REQUEST_HEADERS:
        preflight = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": name.lower(),
        }
        response = send(create_app(SETTINGS), "OPTIONS", "/compress", headers=preflight)
        assert response.status_code == 200, name


def test_scripts_of_an_allowed_origin_may_read_every_header_of_a_response() -> None:
    responses: list[httpx.Response] = []

    async def work(client: httpx.AsyncClient, service: Service) -> None:
        service.queue = StandInQueue(service, replace(RESULT, heatmap_type="image/png"))  # type: ignore[assignment]
        service.versions = frozenset({"v1"})
        service.require_worker = lambda: None  # type: ignore[method-assign]
        client.headers["Origin"] = ORIGIN
        photo: dict[str, Any] = {"content": PHOTO, "params": {"heatmap": "map"}}
        paths = ("/", "/livez", "/nothing", "/readyz", "/openapi.json", "/docs")
        responses.extend([await client.get(path) for path in paths])
        responses.append(await client.put("/compress"))
        responses.append(await client.options("/compress"))
        responses.append(await client.post("/compress", content=b"x" * 100, params={"quality": 0}))
        responses.append(await client.post("/compress", content=PHOTO))
        responses.append(
            await client.post("/compress", **photo, headers={"Accept": "multipart/mixed"})
        )

    use_service(work, cors_origins=(ORIGIN,), cache_max_bytes=0)
    assert {200, 404, 405, 422, 503} <= {response.status_code for response in responses}
    for response in responses:
        exposed = {
            name.strip().lower()
            for name in response.headers["access-control-expose-headers"].split(",")
        }
        assert exposed == {name.lower() for name in RESPONSE_HEADERS}
        assert set(response.headers) <= exposed | SAFELISTED | FOR_BROWSERS
