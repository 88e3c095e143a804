"""Reads the body of an upload, raw or multipart, within limits on bytes and time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request

from app.http.form import FormReader
from app.service.admission import Ticket
from contract.errors import BodyTooLargeError, MalformedRequestError, SlowBodyError

# Allowance for what multipart adds to the file: boundaries, part headers, fields.
FORM_OVERHEAD_BYTES: Final = 64 * 1024
# At most this much of an announced body is counted before it arrives. If all of it were, a few
# clients that announce much and send nothing would lock out everyone else.
ALLOCATED_AHEAD_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """The photo's bytes, and the form fields beside it as pairs of name and value."""

    data: bytes
    fields: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class BodyDeadline:
    """Time limits of a body: ``timeout_s`` in all, ``min_bytes_per_s`` as a mean after ``grace_s``."""

    timeout_s: float
    grace_s: float
    min_bytes_per_s: int

    def allowed_s(self, received_bytes: int) -> float:
        """Return the time limit, from the start, while only ``received_bytes`` have arrived."""
        return min(self.timeout_s, self.grace_s + received_bytes / self.min_bytes_per_s)


def is_form(request: Request) -> bool:
    """Return whether the request's body is a form, by its Content-Type."""
    content_type = request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


async def read_body(
    request: Request, ticket: Ticket, *, max_bytes: int, deadline: BodyDeadline
) -> Body:
    """Return the request's photo and form fields; count its bytes on ``ticket`` as they arrive.

    Raises:
        BodyTooLargeError: as soon as more than ``max_bytes`` are announced or have arrived.
        QueueFullError: when the process holds too many bytes already.
        MalformedRequestError: when the body is empty, truncated, or an invalid form; ``detail`` has
            the reason.
        InvalidOptionError: when the form's file is not named ``file``.
        SlowBodyError: when the body is slower than ``deadline`` allows.
    """
    form = FormReader(request.headers["content-type"]) if is_form(request) else None
    limit_bytes = max_bytes + FORM_OVERHEAD_BYTES if form else max_bytes
    announced_bytes = parse_content_length(request)
    if announced_bytes is not None:
        if announced_bytes > limit_bytes:
            raise BodyTooLargeError(
                f"The upload has {announced_bytes} bytes; at most {max_bytes} are accepted."
            )
        ticket.allocate(min(announced_bytes, ALLOCATED_AHEAD_BYTES))
    try:
        async with asyncio.timeout(deadline.allowed_s(0)) as timer:
            chunks = receive_chunks(
                request,
                ticket,
                limit_bytes=limit_bytes,
                max_bytes=max_bytes,
                timer=timer,
                deadline=deadline,
            )
            if form:
                body = await read_form(form, chunks)
            else:
                data = bytearray()  # a list of many small chunks would take far more memory
                async for chunk in chunks:
                    data += chunk
                body = Body(bytes(data), [])
    except ClientDisconnect as error:
        raise MalformedRequestError("The connection closed before the body's end.") from error
    except TimeoutError as error:
        raise SlowBodyError(
            f"The body took longer than {deadline.timeout_s:g} s, or arrived at less than "
            f"{deadline.min_bytes_per_s} bytes per second."
        ) from error
    if len(body.data) > max_bytes:
        raise BodyTooLargeError(
            f"The upload has {len(body.data)} bytes; at most {max_bytes} are accepted."
        )
    if not body.data:
        raise MalformedRequestError("The body is empty; send the photo's bytes.")
    return body


def parse_content_length(request: Request) -> int | None:
    """Return the announced length in bytes, None for a chunked body.

    Raises:
        MalformedRequestError: when Content-Length is not a number.
    """
    value = request.headers.get("content-length")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise MalformedRequestError("Content-Length is not a number.")
    # Python refuses to parse thousands of digits; 20 of them exceed every limit.
    return int(value.lstrip("0")[:20] or "0")


async def receive_chunks(
    request: Request,
    ticket: Ticket,
    *,
    limit_bytes: int,
    max_bytes: int,
    timer: asyncio.Timeout,
    deadline: BodyDeadline,
) -> AsyncIterator[bytes]:
    """Yield the body's chunks up to ``limit_bytes``, and extend ``timer`` as they arrive.

    Raises:
        BodyTooLargeError, QueueFullError: as ``read_body``.
        ClientDisconnect: when the connection closes before the body's end.
    """
    clock = asyncio.get_running_loop().time
    started_s, received_bytes = clock(), 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        if chunk := message.get("body", b""):
            received_bytes += len(chunk)
            if received_bytes > limit_bytes:
                raise BodyTooLargeError(f"The upload has more than {max_bytes} bytes.")
            ticket.allocate(received_bytes)
            if more:
                timer.reschedule(started_s + deadline.allowed_s(received_bytes))
            yield chunk


async def read_form(form: FormReader, chunks: AsyncIterator[bytes]) -> Body:
    """Return the photo and the fields of a form.

    Raises:
        MalformedRequestError, InvalidOptionError: as ``read_body``.
    """
    async for chunk in chunks:
        form.write(chunk)
    return Body(form.read_photo(), form.fields)
