"""FastAPI with batches in its own process, with a stand-in for the compressor."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from bench.service.servers import inprocess


class Echo:
    """Returns each upload as its own JPEG and counts batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def compress(self, uploads: Sequence[bytes]) -> list[bytes]:
        self.batches.append(len(uploads))
        return list(uploads)


async def post_all(uploads: Sequence[bytes]) -> list[httpx.Response]:
    app = inprocess.create_app()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server")
    async with app.router.lifespan_context(app), client:
        posts = (client.post("/compress", content=data) for data in uploads)
        return await asyncio.gather(*posts)


def test_waiting_uploads_become_batches_and_each_gets_its_own_jpeg(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    echo = Echo()
    monkeypatch.setattr(inprocess, "Compressor", lambda: echo)
    monkeypatch.setattr(inprocess, "MAX_WAIT_MS", 100)
    monkeypatch.setattr(inprocess, "MAX_BATCH_SIZE", 4)
    uploads = [f"photo {number}".encode() for number in range(6)]
    responses = asyncio.run(post_all(uploads))
    assert [response.content for response in responses] == uploads
    assert {response.headers["content-type"] for response in responses} == {"image/jpeg"}
    assert max(echo.batches) == 4
    assert sum(echo.batches) == 6
