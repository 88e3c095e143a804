"""FastAPI with batches in its own process, with a stand-in for the compressor."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from bench.service.servers import inprocess


class Echo:
    """Returns each upload as its own JPEG and counts batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def compress(self, uploads: Sequence[bytes]) -> list[bytes]:
        self.batches.append(len(uploads))
        return list(uploads)


def test_waiting_uploads_become_batches_and_each_gets_its_own_jpeg(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    echo = Echo()
    monkeypatch.setattr(inprocess, "Compressor", lambda: echo)
    monkeypatch.setattr(inprocess, "MAX_WAIT_MS", 300)
    monkeypatch.setattr(inprocess, "MAX_BATCH_SIZE", 4)
    uploads = [f"photo {number}".encode() for number in range(6)]
    with TestClient(inprocess.create_app()) as client, ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda data: client.post("/compress", content=data), uploads))
    assert [response.content for response in responses] == uploads
    assert {response.headers["content-type"] for response in responses} == {"image/jpeg"}
    assert max(echo.batches) == 4
    assert sum(echo.batches) == 6
