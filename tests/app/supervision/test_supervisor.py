"""The supervisor outlives its own defects, and a machine without room for a process.

``tests/integration/test_supervisor.py`` starts it with real children.
"""

import json
import os
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import quote, unquote

import pytest

from app.settings import AppSettings
from app.supervision import supervisor as module
from app.supervision.child import Child
from app.supervision.front_ends import FrontEnds
from app.supervision.supervisor import StartError, Supervisor, read_readiness

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


def test_it_waits_for_all_front_ends_and_a_ready_service(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True, True])
    asked: list[str] = []

    class Starting(FrontEnds):
        url = "http://test"

        def __init__(self) -> None:
            """Have no sockets."""

        def all_up(self) -> bool:
            return next(answers)

    def respond(url: str) -> tuple[bool, str]:
        asked.append(url)
        return len(asked) == 2, ""

    monkeypatch.setattr(module, "READY_POLL_S", 0.0)
    monkeypatch.setattr(module, "read_readiness", respond)
    supervisor._wait_until_ready(Starting(), NO_REDIS)
    assert asked == ["http://test/readyz"] * 2
    assert next(answers, None) is None


class Answer(BaseHTTPRequestHandler):
    """Responds to every GET with the body in the path, and 503; with 200 to an empty one."""

    def do_GET(self) -> None:
        body = unquote(self.path[1:]).encode()
        self.send_response(503 if body else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_readiness_says_how_many_kernels_are_compiled() -> None:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def read(body: str) -> tuple[bool, str]:
        return read_readiness(f"http://127.0.0.1:{server.server_port}/{quote(body, safe='')}")

    try:
        assert read("") == (True, "")
        problem = {"detail": "No worker", "kernels": {"compiled": 34, "total": 92}}
        assert read(json.dumps(problem)) == (False, "compiling kernels: 34 of 92")
        for other in (
            {"detail": "No worker"},
            {"kernels": {"compiled": 1}},
            {"kernels": None},
            [1],
        ):
            assert read(json.dumps(other)) == (False, "")
        assert read("<html>") == (False, "")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert read("") == (False, "")


def test_the_start_says_how_far_it_is_every_few_seconds(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([(False, "1 of 3"), (False, ""), (False, "2 of 3"), (True, "")])
    monkeypatch.setattr(module, "READY_POLL_S", 0.0)
    monkeypatch.setattr(module, "PROGRESS_INTERVAL_S", 0.0)
    monkeypatch.setattr(module, "read_readiness", lambda _: next(answers))
    up = SimpleNamespace(url="http://test", all_up=lambda: True)
    supervisor._wait_until_ready(up, NO_REDIS)  # type: ignore[arg-type]
    assert capsys.readouterr().err == "foveate: 1 of 3\nfoveate: 2 of 3\n"


def test_a_start_that_compiles_kernels_is_not_given_up(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [f"{number} of 9" for number in range(5)]
    answers = iter([*((False, step) for step in steps), *[(False, steps[-1])] * 1000])
    monkeypatch.setattr(module, "READY_POLL_S", 0.03)
    monkeypatch.setattr(module, "READY_TIMEOUT_S", 0.1)
    monkeypatch.setattr(module, "read_readiness", lambda _: next(answers))
    up = SimpleNamespace(url="http://test", all_up=lambda: True)
    started_s = time.monotonic()
    with pytest.raises(StartError, match="not ready"):
        supervisor._wait_until_ready(up, NO_REDIS)  # type: ignore[arg-type]
    assert time.monotonic() - started_s > 0.2
