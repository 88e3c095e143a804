"""The rival mosec, with stand-ins for its server and the compressor. CI does not install it."""

from typing import Any

import pytest

pytest.importorskip("mosec")
from bench.service.servers import mosec


class FakeServer:
    def __init__(self) -> None:
        self.workers: list[tuple[object, dict[str, Any]]] = []
        self.running = False

    def append_worker(self, worker: object, **options: Any) -> None:
        self.workers.append((worker, options))

    def run(self) -> None:
        self.running = True


def test_it_serves_with_as_many_processes_as_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = FakeServer()
    monkeypatch.setattr(mosec, "Server", lambda: server)
    monkeypatch.setenv("FOVEATE_BENCH_WORKERS", "2")
    mosec.main()
    assert server.running
    ((worker, options),) = server.workers
    assert worker is mosec.Compress
    assert options == {"num": 2, "max_batch_size": 8, "max_wait_time": 10, "route": "/compress"}


def test_a_batch_is_compressed_and_bytes_pass_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    class Upper:
        def compress(self, uploads: list[bytes]) -> list[bytes]:
            return [upload.upper() for upload in uploads]

    monkeypatch.setattr(mosec, "Compressor", Upper)
    worker = mosec.Compress()
    uploads = [worker.deserialize(body) for body in (b"one", b"two")]
    assert [worker.serialize(jpeg) for jpeg in worker.forward(uploads)] == [b"ONE", b"TWO"]
    assert worker.resp_mime_type == "image/jpeg"
