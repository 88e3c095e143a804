"""The number of workers follows from cores, memory, GPU and settings."""

import os
from pathlib import Path

import pytest

from app.supervision import machine


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate sixteen cores, 64 GiB, no GPU and no control group."""
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(machine, "DEVICES", tmp_path / "dev")
    cores = set(range(16))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: cores, raising=False)
    memory = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 64 * 2**30 // 4096}
    monkeypatch.setattr(os, "sysconf", memory.__getitem__)


def set_limit(tmp_path: Path, name: str, text: str, *, group: str = "") -> None:
    folder = tmp_path / "cgroup" / group
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("cores", "workers", "threads"), [(1, 1, 1), (2, 2, 1), (6, 6, 1), (16, 8, 2), (20, 8, 3)]
)
def test_each_core_has_a_worker_up_to_eight_which_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)))
    assert machine.choose_workers({}) == workers
    assert machine.share_cores(workers) == threads


def test_memory_limits_the_number_of_workers(tmp_path: Path) -> None:
    set_limit(tmp_path, "memory.max", "9000000000\n")
    assert machine.choose_workers({}) == 3
    set_limit(tmp_path, "memory.max", "1000000000\n")
    assert machine.choose_workers({}) == 1


def test_the_cpu_limit_of_a_control_group_counts(tmp_path: Path) -> None:
    set_limit(tmp_path, "cpu.max", "250000 100000\n")
    assert machine.choose_workers({}) == machine.count_cores() == 2
    set_limit(tmp_path, "cpu.max", "50000 100000\n")
    assert machine.count_cores() == 1


def test_a_control_group_without_limits_changes_nothing(tmp_path: Path) -> None:
    set_limit(tmp_path, "cpu.max", "max 100000\n")
    set_limit(tmp_path, "memory.max", "max\n")
    assert (machine.count_cores(), machine.count_memory_bytes()) == (16, 64 * 2**30)


def test_the_limits_of_a_control_group_and_of_its_parents_count(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/system.slice/foveate.service\n")
    set_limit(tmp_path, "cpu.max", "max 100000\n", group="system.slice/foveate.service")
    set_limit(tmp_path, "cpu.max", "300000 100000\n", group="system.slice")
    set_limit(tmp_path, "memory.max", "5000000000\n", group="system.slice/foveate.service")
    assert (machine.count_cores(), machine.count_memory_bytes()) == (3, 5_000_000_000)
    assert machine.choose_workers({}) == 1


def test_without_an_affinity_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert machine.count_cores() == 4


def test_a_gpu_has_one_worker_unless_the_device_is_cpu(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for device in ("nvidia0", "dxg"):
        (tmp_path / "dev" / device).touch()
        assert machine.choose_workers({}) == machine.choose_workers({"DEVICE": "cuda"}) == 1
        assert machine.choose_workers({"DEVICE": "cpu"}) == 8
        (tmp_path / "dev" / device).unlink()
    assert machine.choose_workers({}) == 8


def test_with_codec_threads_set_there_is_one_worker() -> None:
    assert machine.choose_workers({"CODEC_THREADS": "4"}) == 1
    assert machine.choose_workers({"CODEC_THREADS": ""}) == 8
