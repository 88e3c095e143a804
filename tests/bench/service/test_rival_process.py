"""CPU time of a rival's processes, and their start and end."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from bench.load.service_process import ServiceError
from bench.service import rival_process
from bench.service.rival_process import Rival, cpu_time_s, stop, wait_until_up
from bench.service.servers.journal import JOURNAL_VARIABLE, Batch, open_journal
from tests.bench.load.fake_service import fake_service


def make_process(pid: int, cpu_s: float, children: list[Any] | None = None) -> Any:
    """Return a process whose main thread has used a quarter of its CPU time."""
    main = SimpleNamespace(id=pid, user_time=cpu_s / 8, system_time=cpu_s / 8)
    return SimpleNamespace(
        pid=pid,
        cpu_times=lambda: (cpu_s / 2, cpu_s / 2, 0.0),
        children=lambda recursive: children if recursive else [],
        threads=lambda: [main, SimpleNamespace(id=-1, user_time=9.0, system_time=9.0)],
    )


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(JOURNAL_VARIABLE, str(tmp_path / "batches"))
    return tmp_path / "batches"


def record_batch(pid: int) -> None:
    open_journal()(Batch(pid, 1.0, [1.0], 1.0, [1.0]))


def test_before_the_first_batch_only_the_sum_is_known(journal: Path) -> None:
    assert Rival(make_process(1, 2.0, [make_process(2, 6.0)]), journal).cpu_s() == {"all": 8.0}


def test_processes_that_record_batches_are_workers(journal: Path) -> None:
    record_batch(2)
    found = Rival(make_process(1, 2.0, [make_process(2, 6.0)]), journal).cpu_s()
    assert found == {"app": 2.0, "worker": 6.0, "redis": 0.0, "all": 8.0}


def test_in_a_single_process_the_main_thread_is_the_front_end(journal: Path) -> None:
    record_batch(1)
    found = Rival(make_process(1, 8.0, []), journal).cpu_s()
    assert found == {"app": 2.0, "worker": 6.0, "redis": 0.0, "all": 8.0}


def test_batches_are_described_between_two_times(journal: Path) -> None:
    record_batch(1)
    rival = Rival(make_process(1, 1.0, []), journal)
    assert rival.describe(0.5, 1.5)["mean_batch"] == 1.0
    assert rival.describe(1.5, 2.0)["mean_batch"] is None


@pytest.fixture
def sleeper() -> Iterator[psutil.Popen]:
    process = psutil.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    with suppress(psutil.NoSuchProcess):
        process.kill()
    process.wait()


def test_a_suspended_server_is_stopped(sleeper: psutil.Popen, journal: Path) -> None:
    Rival(sleeper, journal).pause()
    stop(sleeper)
    assert not sleeper.is_running()
    assert cpu_time_s(sleeper) == 0.0


def test_a_server_is_up_with_its_first_response(sleeper: psutil.Popen) -> None:
    with fake_service() as (url, service):
        wait_until_up(sleeper, url)
        assert service.connections == 1


def test_a_server_that_ends_does_not_get_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival_process, "START_TIMEOUT_S", 10.0)
    process = psutil.Popen([sys.executable, "-c", ""])
    with pytest.raises(ServiceError, match="did not get ready"):
        wait_until_up(process, "http://127.0.0.1:1")
    stop(process)
