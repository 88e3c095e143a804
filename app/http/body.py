"""Reads an upload's body once, raw or multipart, and stops at the limit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from app.service.admission import Ticket
from contract.errors import (
    BodyTooLargeError,
    DeadlineError,
    InvalidOptionError,
    MalformedRequestError,
)

# More than any use of the service needs; a form with thousands of parts is an attack.
MAX_FORM_FIELDS = 32
MAX_FIELD_BYTES = 1024
# What multipart adds around the file.
FORM_OVERHEAD_BYTES = 64 * 1024
# Of what a body announces, this much is held before it arrives. All of it, and a few clients that
# announce much and send nothing would lock out everyone else.
ALLOCATED_AHEAD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """The photo's bytes, and options that came as form fields."""

    data: bytes
    fields: list[tuple[str, str]]


class MemoryMultiPartParser(MultiPartParser):
    """Keeps files in memory: their size is bounded before they get here."""

    spool_max_size = 1 << 40


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a body may be: ``timeout_s`` in all, and ``min_bytes_per_s`` after ``grace_s``."""

    timeout_s: float
    grace_s: float
    min_bytes_per_s: int

    def seconds_for(self, received_bytes: int) -> float:
        """Return how long a body of which this much has arrived may have taken so far."""
        return min(self.timeout_s, self.grace_s + received_bytes / self.min_bytes_per_s)


async def read_body(request: Request, ticket: Ticket, *, max_bytes: int, pace: Pace) -> Body:
    """Return the request's photo and form fields.

    Raises:
        BodyTooLargeError: as soon as more than ``max_bytes`` are announced or arrive.
        QueueFullError: when the process holds too many bytes already.
        MalformedRequestError: when the body is empty, cut short, no valid multipart, or a form
            without a file.
        InvalidOptionError: when the form's file has another name than ``file``.
        DeadlineError: when it arrives more slowly than ``pace`` allows.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0]
    multipart = media_type.strip().lower() == "multipart/form-data"
    limit = max_bytes + FORM_OVERHEAD_BYTES if multipart else max_bytes
    announced = announced_bytes(request)
    if announced is not None:
        if announced > limit:
            raise BodyTooLargeError(f"{announced} bytes; at most {max_bytes} are accepted.")
        ticket.allocate(min(announced, ALLOCATED_AHEAD_BYTES))
    try:
        async with asyncio.timeout(pace.seconds_for(0)) as timer:
            chunks = arriving(
                request, ticket, limit=limit, max_bytes=max_bytes, timer=timer, pace=pace
            )
            if multipart:
                body = await read_form(request, chunks)
            else:
                body = Body(b"".join([chunk async for chunk in chunks]), [])
    except ClientDisconnect as error:
        raise MalformedRequestError("The body ended before its announced length.") from error
    except TimeoutError as error:
        raise DeadlineError(
            f"The body took longer than {pace.timeout_s:g} s, or came at less than "
            f"{pace.min_bytes_per_s} bytes a second."
        ) from error
    if len(body.data) > max_bytes:
        raise BodyTooLargeError(f"{len(body.data)} bytes; at most {max_bytes} are accepted.")
    if not body.data:
        raise MalformedRequestError("The body is empty; send the photo's bytes.")
    return body


def announced_bytes(request: Request) -> int | None:
    """Return the Content-Length, None for a chunked body.

    Raises:
        MalformedRequestError: when it is no number.
    """
    value = request.headers.get("content-length")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise MalformedRequestError("Content-Length is no number.")
    return int(value)


async def arriving(
    request: Request,
    ticket: Ticket,
    *,
    limit: int,
    max_bytes: int,
    timer: asyncio.Timeout,
    pace: Pace,
) -> AsyncIterator[bytes]:
    """Yield the body's chunks while they fit, and move the deadline with the bytes that came."""
    clock = asyncio.get_running_loop().time
    started_s, received = clock(), 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        if chunk := message.get("body", b""):
            received += len(chunk)
            if received > limit:
                raise BodyTooLargeError(f"More than {max_bytes} bytes.")
            ticket.allocate(received)
            if more:
                timer.reschedule(started_s + pace.seconds_for(received))
            yield chunk


async def read_form(request: Request, chunks: AsyncIterator[bytes]) -> Body:
    """Return the part named ``file`` and the other fields of a form."""
    parser = MemoryMultiPartParser(
        request.headers,
        chunks,  # type: ignore[arg-type]
        max_files=1,
        max_fields=MAX_FORM_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise MalformedRequestError("The multipart body is malformed.") from error
    data: bytes | None = None
    fields: list[tuple[str, str]] = []
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields.append((name, value))
            elif name == "file":
                data = await value.read()
            else:
                raise InvalidOptionError("The photo's part must be named 'file'.")
    finally:
        await form.close()
    if data is None:
        raise MalformedRequestError("The form has no complete part named 'file' with a file name.")
    return Body(data, fields)
