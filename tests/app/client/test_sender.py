"""Requests to a service that is busy, unreachable, or something else."""

import socket
import threading
import traceback
import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.client import sender as module
from app.client.sender import (
    RefusedError,
    Sender,
    StoppedError,
    UnusableServiceError,
    parse_retry_after_s,
)
from tests.app.client.fake_service import FakeService, Response, problem
from tests.photos import file_of, photo

PHOTO = file_of(photo(80, 60), "JPEG", quality=95)
JPEG = Response(body=b"\xff\xd8 result")
NOW = {"Retry_After": "0"}


def open_sender(url: str, **settings: Any) -> Sender:
    """Return a client without a key."""
    return Sender(url, **{"key": None, "connections": 2, "by_proxy": False, **settings})


@pytest.fixture
def free_url() -> str:
    """Return a URL where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_photo_is_sent_with_options_and_key(fake_service: FakeService) -> None:
    sender = open_sender(fake_service.url, key="a-key")
    fake_service.prepared = [Response(body=b"same", headers={"X_Passthrough": "true"})]
    result = sender.send(PHOTO, {"quality": "60", "progressive": "false"})
    sender.stop()
    assert (result.image, result.heatmap, result.unchanged) == (b"same", None, True)
    assert fake_service.requests == [("POST", "/compress?quality=60&progressive=false")]
    assert fake_service.headers["Authorization"] == "Bearer a-key"


def test_a_heatmap_is_fetched_by_its_link(fake_service: FakeService) -> None:
    sender = open_sender(fake_service.url)
    result = sender.send(PHOTO, {"heatmap": "map"})
    sender.stop()
    assert result.heatmap
    assert result.heatmap_type == "image/png"
    assert not result.unchanged


def test_a_busy_service_is_asked_again(fake_service: FakeService) -> None:
    sender = open_sender(fake_service.url)
    fake_service.prepared = [
        problem(429, "queue-full", **NOW),
        problem(503, "no-worker", **NOW),
        problem(504, "deadline", **NOW),
        problem(408, "body-too-slow", **NOW),
        JPEG,
    ]
    assert sender.send(PHOTO, {}).image == JPEG.body
    sender.stop()
    assert fake_service.uploaded_bytes == [len(PHOTO)] * 5


def test_a_service_that_stays_busy_refuses(
    fake_service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BUSY_S", 0.0)
    sender = open_sender(fake_service.url)
    fake_service.prepared = [problem(429, "queue-full")]
    with pytest.raises(RefusedError, match="queue-full"):
        sender.send(PHOTO, {})
    fake_service.prepared = [problem(504, "deadline", **NOW)] * 3
    with pytest.raises(RefusedError, match="deadline"):
        sender.send(PHOTO, {})
    sender.stop()
    assert len(fake_service.requests) == 4


def test_a_refused_photo_has_the_problem_of_the_service(fake_service: FakeService) -> None:
    sender = open_sender(fake_service.url)
    with pytest.raises(RefusedError, match="It is corrupt-image") as raised:
        sender.send(b"no photo", {})
    sender.stop()
    assert raised.value.code == "corrupt-image"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (problem(401, "missing-key"), "It is missing-key."),
        (Response(404), "is not Foveate: it responded with 404"),
        (Response(200, b"hi", "text/html"), "is not Foveate"),
    ],
)
def test_a_service_that_no_photo_can_use_ends_the_run(
    fake_service: FakeService, response: Response, message: str
) -> None:
    sender = open_sender(fake_service.url)
    fake_service.prepared = [response]
    with pytest.raises(UnusableServiceError, match=message):
        sender.send(PHOTO, {})
    sender.stop()


def test_an_error_without_a_document_refuses_the_photo_only(fake_service: FakeService) -> None:
    sender = open_sender(fake_service.url)
    fake_service.prepared = [Response(500)]
    with pytest.raises(RefusedError, match="responded with status 500"):
        sender.send(PHOTO, {})
    sender.stop()


def test_an_unreachable_service_is_reported(free_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("nonsense", "http://[::1"):
        with pytest.raises(UnusableServiceError, match="can't be reached"):
            open_sender(url).check()
    monkeypatch.setattr(module, "MAX_UNREACHABLE_S", 0.01)
    monkeypatch.setattr(module, "MAX_RECONNECT_PAUSE_S", 0.02)
    sender = open_sender(free_url)
    with pytest.raises(UnusableServiceError, match="can't be reached"):
        sender.check()
    with pytest.raises(UnusableServiceError, match="can't be reached"):
        sender.send(PHOTO, {})
    sender.stop()


def test_stop_ends_a_pause(fake_service: FakeService) -> None:
    sender = open_sender(fake_service.url)
    fake_service.prepared = [problem(503, "no-worker", Retry_After="30")]
    threading.Timer(0.2, sender.stop).start()
    with pytest.raises(StoppedError):
        sender.send(PHOTO, {})
    with pytest.raises(StoppedError):
        sender.send(PHOTO, {})


def test_a_large_file_is_streamed(fake_service: FakeService, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(30_000_000)
    fake_service.prepared = [JPEG]
    sender = open_sender(fake_service.url)
    tracemalloc.start()
    try:
        sender.send(large, {})
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    sender.stop()
    assert fake_service.uploaded_bytes == [30_000_000]
    assert peak_bytes < 5_000_000


@pytest.mark.parametrize(
    ("value", "pause_s"), [("7", 7.0), ("0", 0.1), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0)]
)
def test_retry_after_is_read(value: str, pause_s: float) -> None:
    assert parse_retry_after_s(httpx.Response(503, headers={"Retry-After": value})) == pause_s
    assert parse_retry_after_s(httpx.Response(503)) == 1.0


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://user:canary/x@127.0.0.1:1", None),
        ("http://user:canary@127.0.0.1:1", "canary"),
        ("canary", None),
        ("", "canary\n"),
        ("", "canary key"),
        ("", "canaryé"),
    ],
)
def test_errors_show_no_key_and_no_password(
    fake_service: FakeService, url: str, key: str | None
) -> None:
    with pytest.raises(UnusableServiceError) as caught:
        Sender(url or fake_service.url, key=key, connections=1, by_proxy=False).check()
    assert "canary" not in "".join(traceback.format_exception(caught.value))
