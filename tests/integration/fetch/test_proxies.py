"""Behind a real nginx that removes a prefix, signatures hold and links lead back to the service."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from app.sources.signature import sign
from tests.app.client.runs import run, size_of
from tests.conftest import needs
from tests.hostile_upstream import PHOTO, HostileUpstream
from tests.integration.fetch.conftest import KEY, fetch_settings, path_of
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import new_client
from tests.integration.running import ROOT, Running, wait_for
from tests.integration.test_examples import NEEDS_NODE, NODE, PYTHON
from tests.nginx import NGINX, REASON, run_nginx

pytestmark = needs(NGINX, REASON)

# Everything that proxies decode, encode, merge or resolve.
SOURCE = "/odd/a%20b%2Fc//d/../%C3%BC%253F.jpg?x=%2F&y=http://z/../%20+"
LOCATIONS = """
location /a/b.c/ { proxy_pass FETCHING/; proxy_set_header X-Forwarded-Prefix /a/b.c/; }
location /photos/ { proxy_pass ROOTED/; }
location /cdn/ { proxy_pass FETCHING/fetch/; }
location /rewritten/ {
    rewrite ^/rewritten(/.*)$ $1 break;
    proxy_pass FETCHING;
    proxy_set_header X-Forwarded-Prefix /rewritten;
}
location /decoded/ {
    rewrite ^/decoded/(.*)$ /$1 break;
    proxy_pass FETCHING$uri;
}
"""
PREFIXES = ["/img", "/a/b.c", "/photos", "/rewritten"]


def read_recipe() -> str:
    """Return the locations of docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    found = re.search(r"```nginx prefix\n(.*?)```", text, re.DOTALL)
    assert found
    return found.group(1).replace("http://127.0.0.1:8000", "FETCHING")


@pytest.fixture(scope="session")
def rooted(service: Running, upstream: HostileUpstream) -> Iterator[FrontEnd]:
    """Return a front end that knows its prefix by the setting."""
    settings = {**fetch_settings(upstream), "ROOT_PATH": "/photos"}
    with run_front_end(service.redis_url, **settings) as running:
        yield running


@pytest.fixture(scope="session")
def proxy(
    fetching: FrontEnd, rooted: FrontEnd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Return a client of nginx."""
    locations = f"{read_recipe()}{LOCATIONS}"
    for name, url in {"FETCHING": fetching.url, "ROOTED": rooted.url}.items():
        locations = locations.replace(name, url)
    with (
        run_nginx(tmp_path_factory.mktemp("nginx"), locations) as url,
        new_client(base_url=url, timeout=30) as client,
    ):
        yield client


@pytest.mark.parametrize("prefix", ["/img", "/a/b.c", "/photos", "/rewritten", "/decoded", "/cdn"])
def test_a_signature_survives(proxy: httpx.Client, upstream: HostileUpstream, prefix: str) -> None:
    path = path_of(upstream.url(SOURCE), "quality=40,target=size")
    if prefix == "/cdn":
        path = path.removeprefix("/fetch")
    response = proxy.get(f"{prefix}{path}")
    assert response.status_code == 200, response.text
    assert upstream.paths[-1] == SOURCE


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_plain_url_survives_merged_slashes(
    proxy: httpx.Client, upstream: HostileUpstream, prefix: str
) -> None:
    source = upstream.url("/odd/a%20b.jpg?x=%2F")
    for escaped in (quote(source, safe=""), quote(source)):
        path = f"{prefix}/fetch/{sign(KEY.encode(), '-', source)}/-/{escaped}"
        response = proxy.get(path)
        assert response.status_code == 200, response.text
        assert upstream.paths[-1] == "/odd/a%20b.jpg?x=%2F"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_links_of_a_job_lead_back(proxy: httpx.Client, prefix: str) -> None:
    options = {"content": PHOTO, "params": {"heatmap": "map"}}
    detached = {"Prefer": "respond-async"}
    accepted = proxy.post(f"{prefix}/compress", headers=detached, **options)
    assert accepted.status_code == 202
    assert accepted.headers["location"] == accepted.json()["links"]["self"]
    assert accepted.headers["location"].startswith(f"{prefix}/jobs/")
    wait_for(lambda: proxy.get(accepted.headers["location"]).json()["state"] == "finished")
    events = proxy.get(f"{accepted.headers['location']}/events").text
    links = proxy.get(accepted.headers["location"]).json()["links"]
    assert f'"image":"{links["image"]}"' in events
    assert proxy.get(links["image"]).headers["content-type"] == "image/jpeg"
    assert proxy.get(links["heatmap"]).headers["content-type"] == "image/png"
    jpeg = proxy.post(f"{prefix}/compress", **options)
    assert proxy.get(jpeg.links["heatmap"]["url"]).headers["content-type"] == "image/png"
    described = proxy.post(f"{prefix}/compress", headers={"Accept": "application/json"}, **options)
    assert proxy.get(described.headers["content-location"]).json()["state"] == "finished"
    assert proxy.delete(described.json()["links"]["self"]).status_code == 204


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_description_names_the_prefix(proxy: httpx.Client, prefix: str) -> None:
    assert proxy.get(f"{prefix}/openapi.json").json()["servers"] == [{"url": prefix}]


def test_the_command_line_works_with_a_url_below_a_prefix(
    proxy: httpx.Client, tmp_path: Path
) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(PHOTO)
    url = str(proxy.base_url.join("/img"))
    assert run(source, "-o", tmp_path / "out", "--heatmap", "-q", url=url) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "photo.jpg",
        "photo.jpg.heatmap.png",
    }


@pytest.mark.parametrize("example", [PYTHON, pytest.param(NODE, marks=NEEDS_NODE)])
def test_the_examples_work_with_a_url_below_a_prefix(
    proxy: httpx.Client, tmp_path: Path, example: list[str]
) -> None:
    source, target = tmp_path / "photo.jpg", tmp_path / "smaller.jpg"
    source.write_bytes(PHOTO)
    environment = {**os.environ, "FOVEATE_URL": str(proxy.base_url.join("/img"))}
    subprocess.run([*example, "--job", source, target], env=environment, check=True)
    assert size_of(target) == (160, 120)
