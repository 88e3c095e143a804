"""Links are under the prefix that a proxy removes, if the proxy is trusted and the prefix is plain."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from app.http.middlewares.security_headers import DOCS
from app.main import create_app
from app.queue.job import Job
from app.root_path import ForwardedHeadersMiddleware
from app.service.front_end import Service
from app.setting_types import parse_root_path
from app.settings import AppSettings
from tests.app.http.in_process import NO_REDIS, PHOTO, RESULT, StandInQueue, read_problem

KEY = "0123456789abcdef"
PROXY = "127.0.0.1"


class StandInJobs:
    """Knows one finished job."""

    async def read(self, job_id: str) -> Job:
        return Job(job_id, "finished", reply=RESULT)


class StandInCache:
    """Has no results, and stores any."""

    is_on = False

    async def find(self, *_: Any) -> None:
        pass

    async def copy_to_job(self, *_: Any) -> bool:
        return True


def request(
    path: str,
    method: str = "GET",
    *,
    peer: str = PROXY,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> httpx.Response:
    """Return the response to a request that comes from ``peer``."""

    async def send() -> httpx.Response:
        chosen = AppSettings(redis_url=NO_REDIS, **settings or {})
        app = create_app(chosen)
        service = app.state.service = Service(chosen)
        queue = service.queue
        service.queue = StandInQueue(service)
        service.jobs, service.cache = StandInJobs(), StandInCache()
        transport = httpx.ASGITransport(
            ForwardedHeadersMiddleware(app, chosen.forwarded_allow_ips), client=(peer, 1)
        )
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **options)
        finally:
            service.queue = queue
            await service.stop()

    return asyncio.run(send())


def links_of(headers: dict[str, str] | None = None, **options: Any) -> str:
    """Return where the links of a job begin."""
    links = request("/jobs/x", headers=headers, **options).json()["links"]
    prefix = str(links["self"]).removesuffix("/jobs/x")
    assert links["image"] == f"{prefix}/jobs/x/image"
    return prefix


def test_without_a_prefix_links_begin_at_the_root() -> None:
    assert links_of() == ""


def test_the_setting_is_before_every_link() -> None:
    settings = {"root_path": "/img/"}
    assert links_of(settings=settings) == "/img"
    assert '"/img/jobs/x/image"' in request("/jobs/x/events", settings=settings).text
    posted = request(
        "/compress",
        "POST",
        content=PHOTO,
        headers={"Accept": "application/json"},
        settings=settings,
    )
    assert posted.headers["content-location"].startswith("/img/jobs/")
    assert posted.json()["links"]["self"] == posted.headers["content-location"]


def test_the_prefix_of_a_trusted_proxy_is_before_the_setting() -> None:
    header = {"X-Forwarded-Prefix": "/img"}
    assert links_of(header) == "/img"
    assert links_of(header, settings={"root_path": "/other"}) == "/img"
    assert links_of({"X-Forwarded-Prefix": "/"}, settings={"root_path": "/other"}) == ""
    for allowed in ("*", "10.0.0.0/8", "192.0.2.1,10.1.2.3"):
        trusting = {"forwarded_allow_ips": allowed}
        assert links_of(header, peer="10.1.2.3", settings=trusting) == "/img"


def test_the_prefix_of_anyone_else_is_ignored() -> None:
    header = {"X-Forwarded-Prefix": "/img"}
    assert links_of(header, peer="10.1.2.3") == ""
    assert links_of(header, peer="10.1.2.3", settings={"root_path": "/own"}) == "/own"
    # A client that names the proxy as itself is not the proxy.
    spoofed = {**header, "X-Forwarded-For": PROXY}
    assert links_of(spoofed, peer="10.1.2.3") == ""


INVALID = [
    *("//evil.example", "/a//b", "img", "https://evil.example", "/..", "/a/../b", "/.", "/a/./b"),
    *("/a b", "/a>", '/a"', "/<script>", "/a\r\nX: y", "/a\n", "/%2F%2Fevil", "/a, /b", "/ü"),
    *("\\\\evil", "/\\evil", "/" + "a" * 200, "/a//", "/a?b", "/a#b", "//"),
]


@pytest.mark.parametrize("prefix", INVALID)
def test_a_prefix_that_is_no_plain_path_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="a path such as /img"):
        parse_root_path(prefix)
    with pytest.raises(ValidationError, match="a path such as /img"):
        AppSettings(root_path=prefix)
    if prefix.isascii() and prefix.isprintable():
        header = {"X-Forwarded-Prefix": prefix}
        assert links_of(header, settings={"root_path": "/own"}) == "/own"


def test_two_prefixes_are_ignored() -> None:
    headers = [("X-Forwarded-Prefix", "/a"), ("X-Forwarded-Prefix", "/b")]
    assert links_of(headers) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize("prefix", ["/docs", "/page", "/fetch", "/jobs"])
def test_a_prefix_opens_no_path_that_needs_a_key(prefix: str) -> None:
    keys = {"api_keys": (SecretStr(KEY),)}
    header = {"X-Forwarded-Prefix": prefix}
    for path in ("/compress", f"{prefix}/compress", f"{prefix}/jobs/x", "/metrics"):
        response = request(path, headers=header, settings=keys)
        assert response.status_code in {401, 404}, path
    assert read_problem(request("/jobs/x", headers=header, settings=keys)) == (401, "missing-key")


@pytest.mark.parametrize("prefix", ["/jobs", "/jobs/x", "/docs", "/compress"])
def test_a_prefix_may_be_a_path_of_the_service(prefix: str) -> None:
    assert links_of({"X-Forwarded-Prefix": prefix}) == prefix


def test_the_description_and_its_page_are_under_the_prefix() -> None:
    header = {"X-Forwarded-Prefix": "/img"}
    page = request("/docs", headers=header)
    assert page.headers["content-security-policy"] == DOCS
    assert "/img/openapi.json" in page.text
    assert 'src="/img/docs/assets/' in page.text
    assert '"/docs/' not in page.text
    assert request("/openapi.json", headers=header).json()["servers"] == [{"url": "/img"}]
    assert request("/docs/assets/swagger-ui.css", headers=header).status_code == 200


def test_a_prefix_is_not_kept_for_other_requests() -> None:
    app: FastAPI = create_app(AppSettings(redis_url=NO_REDIS))
    transport = httpx.ASGITransport(ForwardedHeadersMiddleware(app, PROXY), client=(PROXY, 1))

    async def send() -> None:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            for number in range(3):
                header = {"X-Forwarded-Prefix": f"/img{number}"}
                servers = (await client.get("/openapi.json", headers=header)).json()["servers"]
                assert servers == [{"url": f"/img{number}"}]
            assert "servers" not in (await client.get("/openapi.json")).json()

    asyncio.run(send())


@pytest.mark.parametrize("path", ["/docs/", "/jobs/x/", "/livez/"])
def test_a_slash_at_the_end_is_no_redirect_to_the_host_of_the_request(path: str) -> None:
    assert request(path, headers={"Host": "inside.example"}).status_code == 404


def test_scheme_and_client_of_a_trusted_proxy_are_still_believed() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _: Any, send: Any) -> None:
        seen.append((scope["scheme"], scope["client"][0]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}

    async def send(peer: str) -> None:
        transport = httpx.ASGITransport(ForwardedHeadersMiddleware(app, PROXY), client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.get("/", headers=headers)

    asyncio.run(send(PROXY))
    asyncio.run(send("10.1.2.3"))
    assert seen == [("https", "192.0.2.7"), ("http", "10.1.2.3")]
