"""The start of the service ends when it is ready, and is not given up while it goes on."""

import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote

import pytest

from app.supervision import readiness as module
from app.supervision.front_ends import FrontEnds
from app.supervision.readiness import StartError, read_readiness, wait_until_ready


def wait(front_ends: Any, said: list[str]) -> None:
    wait_until_ready(front_ends, go_on=lambda: True, say=said.append)


def test_it_waits_for_all_front_ends_and_a_ready_service(monkeypatch: pytest.MonkeyPatch) -> None:
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
    wait(Starting(), [])
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


def test_the_start_says_how_far_it_is_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(False, "1 of 3"), (False, ""), (False, "2 of 3"), (True, "")])
    monkeypatch.setattr(module, "READY_POLL_S", 0.0)
    monkeypatch.setattr(module, "PROGRESS_INTERVAL_S", 0.0)
    monkeypatch.setattr(module, "read_readiness", lambda _: next(answers))
    said: list[str] = []
    wait(SimpleNamespace(url="http://test", all_up=lambda: True), said)
    assert said == ["1 of 3", "2 of 3"]


def test_a_start_that_compiles_kernels_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [f"{number} of 9" for number in range(5)]
    answers = iter([*((False, step) for step in steps), *[(False, steps[-1])] * 1000])
    monkeypatch.setattr(module, "READY_POLL_S", 0.03)
    monkeypatch.setattr(module, "READY_TIMEOUT_S", 0.1)
    monkeypatch.setattr(module, "read_readiness", lambda _: next(answers))
    started_s = time.monotonic()
    with pytest.raises(StartError, match="not ready"):
        wait(SimpleNamespace(url="http://test", all_up=lambda: True), [])
    assert time.monotonic() - started_s > 0.2


def test_a_service_that_stops_is_not_waited_for() -> None:
    steps = iter([True, False])
    down = SimpleNamespace(all_up=lambda: False)
    wait_until_ready(down, go_on=lambda: next(steps), say=print)  # type: ignore[arg-type]
    assert next(steps, None) is None
