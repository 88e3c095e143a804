"""A child is started again after a delay that grows with its early deaths."""

import os
import signal
from pathlib import Path

import pytest

from app.supervision import child as module
from app.supervision.child import Child

ENVIRONMENT = dict(os.environ)


def run_to_end(child: Child) -> None:
    child.start()
    child.wait(10)


def test_delays_double_up_to_the_maximum() -> None:
    child = Child("redis", ["true"], ENVIRONMENT)
    delays_s = []
    for _ in range(7):
        run_to_end(child)
        delays_s.append(child.on_exit())
    assert delays_s == [0, 1, 2, 4, 8, 8, 8]
    assert child.early_deaths == 7


def test_a_start_clears_the_time_of_the_next_start() -> None:
    child = Child("redis", ["true"], ENVIRONMENT)
    run_to_end(child)
    child.on_exit()
    assert child.restart_at_s is not None
    run_to_end(child)
    assert child.restart_at_s is None


def test_a_child_that_lived_long_enough_is_started_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STABLE_AFTER_S", 0.0)
    child = Child("redis", ["true"], ENVIRONMENT)
    for _ in range(3):
        run_to_end(child)
        assert child.on_exit() == 0


def test_each_start_of_a_worker_has_a_new_name(tmp_path: Path) -> None:
    shown = tmp_path / "arguments"
    child = Child("worker", ["sh", "-c", f'echo "$@" >> {shown}', "worker"], ENVIRONMENT)
    names = []
    for _ in range(2):
        run_to_end(child)
        names.append(child.worker_name)
    assert names[0] != names[1]
    assert shown.read_text().splitlines() == [f"--name {name}" for name in names]


def test_a_child_has_exited_only_after_it_was_started() -> None:
    child = Child("redis", ["sleep", "60"], ENVIRONMENT)
    assert not child.has_exited()
    child.terminate()
    child.kill()
    child.wait(1)  # nothing to wait for
    child.start()
    assert not child.has_exited()
    child.terminate()
    child.wait(10)
    assert child.has_exited()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGTERM


def test_a_child_that_does_not_end_in_time_is_killed() -> None:
    child = Child("redis", ["sleep", "60"], ENVIRONMENT)
    child.start()
    child.wait(0.05)
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL
