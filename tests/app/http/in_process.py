"""Sends requests to the application inside the test's process, with stand-ins for Redis and workers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.main import create_app
from app.results.result import Finished
from app.service.front_end import Service
from app.settings import AppSettings
from contract.messages import Options, Result
from tests.photos import file_of, photo

NO_REDIS = "unix:///nonexistent/redis.sock"
PHOTO = file_of(photo(32, 24), "JPEG")
RESULT = Result("x" * 24, 32, 24, len(PHOTO), 4, 6, "v1", None, {"queue": 1.0, "encode": 2.0}, 1)


class StandInQueue:
    """Returns a finished photo without a worker; ``uploads`` has the bytes and options it got."""

    def __init__(self, service: Service, result: Result = RESULT) -> None:
        self.redis = service.queue.redis
        self.uploads: list[tuple[bytes, Options]] = []
        self._result = result

    async def run_job(
        self, data: bytes, pixels: int, options: Options, timeout_s: float, **_take: Any
    ) -> Finished:
        assert pixels == 32 * 24
        assert timeout_s > 0
        self.uploads.append((data, options))
        return Finished(self._result, b"jpeg", b"png" if self._result.heatmap_type else None)


def use_service(
    work: Callable[[httpx.AsyncClient, Service], Awaitable[Any]],
    redis_url: str = NO_REDIS,
    *,
    upstream: object = None,
    webhooks: object = None,
    **settings: Any,
) -> None:
    """Run ``work`` with a client of the application and its service, whose tasks are not started.

    ``upstream`` stands in for the client that downloads sources, ``webhooks`` for what delivers webhooks.
    """

    async def run() -> None:
        chosen = AppSettings(redis_url=redis_url, **settings)
        app = create_app(chosen)
        service = app.state.service = Service(chosen)
        if upstream is not None:
            app.state.upstream = upstream
        app.state.webhooks = webhooks
        queue = service.queue
        try:
            async with create_client(app) as client:
                await work(client, service)
        finally:
            service.queue = queue  # a test may have put a stand-in there
            await service.stop()

    asyncio.run(run())


def create_client(app: ASGIApp) -> httpx.AsyncClient:
    """Return a client whose requests go to ``app`` without a network."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def send(app: ASGIApp, method: str, path: str, **request: Any) -> httpx.Response:
    """Return the response of ``app`` to one request."""

    async def run() -> httpx.Response:
        async with create_client(app) as client:
            return await client.request(method, path, **request)

    return asyncio.run(run())


def read_problem(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of a problem document; check its members and headers."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["title"]
    assert document["detail"]
    return response.status_code, document["type"].removeprefix("urn:foveate:problem:")


class ResponseWatch:
    """Notes what the front end holds whenever a photo's response begins: uploads and their bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: list[tuple[int, int]] = []
        original = Response.__call__

        async def call(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
            admission = scope["app"].state.service.admission
            self.held.append((admission.pending, admission.pending_bytes))
            await original(response, scope, receive, send)

        monkeypatch.setattr(Response, "__call__", call)
