"""The supervisor outlives its own defects, and a machine without room for a process.

``tests/integration/test_supervisor.py`` starts it with real children.
"""

import os
from collections.abc import Callable

import pytest

from app.settings import AppSettings
from app.supervision import supervisor as module
from app.supervision.child import Child
from app.supervision.supervisor import Supervisor

NO_REDIS = "unix:///nonexistent/redis.sock"


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    monkeypatch.setattr(module, "FAULT_PAUSE_S", 0.0)
    return Supervisor(("127.0.0.1", 0), 1, 1, AppSettings())


def watch(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], None]
) -> None:
    """Take each of ``steps`` in place of a look at the children, then stop."""
    left = list(steps)

    def look(_: str) -> None:
        step = left.pop(0)
        supervisor._stopping = not left
        step()

    monkeypatch.setattr(supervisor, "_restart_dead", look)
    supervisor._watch(NO_REDIS)
    assert not left


def test_a_defect_does_not_end_the_service(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("a defect")

    watch(supervisor, monkeypatch, fail, lambda: None)
    assert "KeyError: 'a defect'" in capsys.readouterr().err


def test_a_process_that_can_not_be_started_is_tried_again_later(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    child = Child("front end", ["true"], dict(os.environ))
    supervisor._was_ready = True
    supervisor._start(child)
    child.wait(10)
    with monkeypatch.context() as full:
        full.setattr(module.Child, "start", fail_to_start)
        supervisor._restart_dead(NO_REDIS)
    assert "can't be started" in capsys.readouterr().err
    assert child.restart_at_s is not None
    child.restart_at_s = 0.0
    supervisor._restart_dead(NO_REDIS)
    assert child.restart_at_s is None
    child.wait(10)


def fail_to_start(_: Child) -> None:
    raise BlockingIOError("Resource temporarily unavailable")


def test_a_recovery_that_fails_does_not_end_the_service(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ValueError("a record that RQ can't read")

    monkeypatch.setattr(module, "recover", fail)
    supervisor._recover(NO_REDIS, "worker-1")
    assert "could not be requeued" in capsys.readouterr().err
