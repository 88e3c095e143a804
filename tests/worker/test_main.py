"""A worker's settings reach what they are for before it takes a job."""

import sys

import pytest
from redis import Redis
from redis.exceptions import RedisError

from contract.errors import UnsupportedImageError
from contract.image_headers.read import ImageHeader
from contract.images import HEIC_IS_OFF
from contract.keys import COMPILING_KEY, COMPILING_TTL_S
from worker import __main__ as module
from worker.image.confined.decoder import Decoder


def test_heic_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()

    def fail(*_: object, **__: object) -> None:
        raise RedisError("no Redis here")

    monkeypatch.setattr(module, "DECODER", decoder)
    # Each of these is the whole process's.
    monkeypatch.setattr(module, "limit_pillow", lambda _: None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(module.warnings, "filterwarnings", lambda *_, **__: None)
    monkeypatch.setattr(Redis, "ping", fail)
    monkeypatch.setattr(sys, "argv", ["worker"])
    monkeypatch.setenv("HEIC", "off")
    assert module.main() == 1
    with pytest.raises(UnsupportedImageError, match=HEIC_IS_OFF):
        decoder.read(b"", ImageHeader("HEIC", 1, 1), 100)


class StoppingWorker:
    """Loses Redis in its first run, and is told to stop in its second."""

    key = "rq:worker:name"
    stopping = False

    def __init__(self) -> None:
        self.runs = 0
        self.deleted: list[str] = []
        self.connection = self

    def work(self, **_: object) -> None:
        self.runs += 1
        self.stopping = self.runs == 2
        if not self.stopping:
            raise RedisError("gone")

    def set(self, *_: object, **__: object) -> None:
        """Be a Redis that accepts writes."""

    def delete(self, key: str) -> None:
        self.deleted.append(key)


def test_a_worker_serves_again_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REDIS_PAUSE_S", 0.0)
    worker = StoppingWorker()
    module.run_worker(worker)  # type: ignore[arg-type]
    assert (worker.runs, worker.deleted) == (2, [worker.key])


def test_compiled_kernels_are_reported_until_all_are(connection: Redis) -> None:
    module.report_compiled(connection, 0, 2)
    assert connection.get(COMPILING_KEY) == b"0/2"
    assert 0 < connection.ttl(COMPILING_KEY) <= COMPILING_TTL_S
    module.report_compiled(connection, 1, 2)
    assert connection.get(COMPILING_KEY) == b"1/2"
    module.report_compiled(connection, 2, 2)
    assert connection.get(COMPILING_KEY) is None


def test_a_worker_compiles_on_without_redis() -> None:
    with Redis.from_url("unix:///nonexistent/redis.sock") as nowhere:
        module.report_compiled(nowhere, 1, 2)
