"""The worker image's health check, against a real Valkey."""

import importlib.util
import socket
from pathlib import Path
from types import ModuleType

import pytest
from redis import Redis
from rq.queue import Queue
from rq.worker import SimpleWorker

from contract.keys import QUEUE_NAME, WORKERS_KEY, worker_key

SCRIPT = Path(__file__).parents[2] / "docker" / "worker_health.py"


@pytest.fixture
def health() -> ModuleType:
    spec = importlib.util.spec_from_file_location("worker_health", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_registered_worker_of_this_host_is_healthy(
    health: ModuleType, connection: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    assert health.main() == 1
    worker = SimpleWorker([Queue(QUEUE_NAME, connection=connection)], connection=connection)
    worker.register_birth()
    assert health.main() == 0
    assert health.is_registered(connection, socket.gethostname())
    assert not health.is_registered(connection, "another-host")
    worker.register_death()
    assert health.main() == 1


def test_a_worker_whose_heartbeats_ended_is_not_healthy(
    health: ModuleType, connection: Redis
) -> None:
    worker = SimpleWorker([Queue(QUEUE_NAME, connection=connection)], connection=connection)
    worker.register_birth()
    connection.delete(worker.key)  # what its expiry does
    assert not health.is_registered(connection, socket.gethostname())


def test_without_redis_the_check_fails_in_one_line(
    health: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert health.main() == 1
    assert capsys.readouterr().err == "Redis does not respond: ConnectionError\n"


def test_an_invalid_url_is_not_shown(
    health: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:pass/word@host")
    assert health.main() == 1
    shown = capsys.readouterr().err
    assert shown.startswith("REDIS_URL is invalid: ")
    assert "pass/word" not in shown


def test_a_worker_that_is_no_hash_makes_no_other_unhealthy(
    health: ModuleType, connection: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    queue = Queue(QUEUE_NAME, connection=connection)
    for number in range(8):
        connection.sadd(WORKERS_KEY, worker_key(f"odd-{number}"))
        connection.set(worker_key(f"odd-{number}"), b"")
    SimpleWorker([queue], connection=connection).register_birth()
    assert health.main() == 0
