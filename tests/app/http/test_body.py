"""The body of an upload is read once, within its limits on bytes and time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from app.http.body import ALLOCATED_AHEAD_BYTES, Body, BodyDeadline, read_body
from app.service.admission import Admission, Ticket
from contract.errors import (
    BodyTooLargeError,
    InvalidOptionError,
    MalformedRequestError,
    QueueFullError,
    SlowBodyError,
)

MAX_BYTES = 1000
PATIENT = BodyDeadline(timeout_s=10, grace_s=10, min_bytes_per_s=1)


def read(
    chunks: Sequence[bytes],
    headers: dict[str, str] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    deadline: BodyDeadline = PATIENT,
    pause_s: float = 0,
    ticket: Ticket | None = None,
    ends: bool = True,
) -> Body:
    """Read a body that arrives in ``chunks``, then ends or is cut off."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.request"} if ends else {"type": "http.disconnect"})

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        return messages.pop(0)

    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    request = Request({"type": "http", "headers": raw}, receive)

    async def run() -> Body:
        with Admission(9, 10**9).admit() as own:
            return await read_body(request, ticket or own, max_bytes=max_bytes, deadline=deadline)

    return asyncio.run(run())


def encode_form(**parts: Any) -> tuple[bytes, dict[str, str]]:
    """Return a multipart body and its headers, as httpx makes them."""
    request = httpx.Request("POST", "http://test", **parts)
    return request.read(), {"content-type": request.headers["content-type"]}


def read_form(**parts: Any) -> Body:
    body, headers = encode_form(**parts)
    return read([body[:40], body[40:]], headers)


def test_a_raw_body_is_the_photo() -> None:
    assert read([b"ab", b"", b"c"]) == Body(b"abc", [])
    assert read([b"x" * MAX_BYTES], {"content-length": str(MAX_BYTES)}).data == b"x" * MAX_BYTES


def test_a_form_has_the_photo_and_fields() -> None:
    found = read_form(files={"file": b"photo"}, data={"quality": "60", "target": "size"})
    assert found == Body(b"photo", [("quality", "60"), ("target", "size")])
    assert read_form(files={"file": bytes(MAX_BYTES)}).data == bytes(MAX_BYTES)


def test_a_wrong_form_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="must be named 'file'"):
        read_form(files={"photo": b"x"})
    with pytest.raises(MalformedRequestError, match="no part named 'file'"):
        read_form(files={"other": (None, "text")})
    with pytest.raises(BodyTooLargeError):
        read_form(files={"file": bytes(MAX_BYTES + 1)})


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(MalformedRequestError, match="empty"):
        read([])


def test_a_truncated_body_is_refused() -> None:
    form, headers = encode_form(files={"file": b"photo"})
    for chunk, given in ((b"x", {}), (form[:-50], headers)):
        with pytest.raises(MalformedRequestError, match="closed"):
            read([chunk], given, ends=False)


@pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "٣"])
def test_a_content_length_that_is_not_a_number_is_refused(value: str) -> None:
    with pytest.raises(MalformedRequestError, match="Content-Length"):
        read([b"x"], {"content-length": value})


def test_too_large_an_announcement_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BodyTooLargeError, match="1001"):
        # The first read would fail otherwise: the client has disconnected.
        read([], {"content-length": str(MAX_BYTES + 1)}, ends=False)


@pytest.mark.parametrize("digits", [20, 5000])
def test_a_content_length_of_any_digits_is_too_large(digits: int) -> None:
    # Python refuses to parse more than 4,300 digits.
    with pytest.raises(BodyTooLargeError):
        read([b"x"], {"content-length": "9" * digits})
    assert read([b"x"], {"content-length": "0" * digits + "1"}).data == b"x"


def test_a_chunked_body_is_read_up_to_the_limit_only() -> None:
    with pytest.raises(BodyTooLargeError):
        read([b"x" * 600] * 2, ends=False)


def test_bytes_are_counted_as_they_arrive() -> None:
    with Admission(9, 10**9).admit() as ticket:
        read([b"x" * 300, b"x" * 100], ticket=ticket)
        assert ticket.allocated_bytes == 400
        announced = {"content-length": str(10**8)}
        read([b"x"], announced, max_bytes=10**9, ticket=ticket)
        assert ticket.allocated_bytes == ALLOCATED_AHEAD_BYTES


def test_a_full_process_takes_no_more_bytes() -> None:
    admission = Admission(max_pending=9, max_pending_bytes=500)
    with admission.admit() as other, admission.admit() as ticket:
        other.allocate(200)
        with pytest.raises(QueueFullError):
            read([b"x" * 300, b"x"], ticket=ticket)


def test_a_slow_body_ends_after_the_grace() -> None:
    slow = BodyDeadline(timeout_s=10, grace_s=0.05, min_bytes_per_s=1000)
    with pytest.raises(SlowBodyError, match="1000 bytes per second"):
        read([b"x"] * 100, pause_s=0.02, deadline=slow)


def test_a_body_at_the_mean_rate_is_accepted() -> None:
    fast_enough = BodyDeadline(timeout_s=10, grace_s=0.3, min_bytes_per_s=1000)
    assert len(read([b"x" * 200] * 5, pause_s=0.08, deadline=fast_enough).data) == 1000


def test_the_total_time_is_limited_at_any_rate() -> None:
    deadline = BodyDeadline(timeout_s=60, grace_s=10, min_bytes_per_s=2000)
    assert deadline.allowed_s(0) == 10
    assert deadline.allowed_s(4000) == 12
    assert deadline.allowed_s(10**9) == 60
