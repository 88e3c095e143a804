"""uvicorn's HTTP/1.1 protocol with limits on what a connection may send, and leave unread.

uvicorn has no such limits. One connection could fill the memory and block the event loop, and
thousands of idle ones could occupy all file descriptors at no cost to the client.
"""

import asyncio
import socket
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Bytes of a request that are not its body: request line and headers, or chunk headers and trailers.
MAX_FRAME_BYTES: Final = 64 * 1024
# A header of a few bytes takes more than a hundred in memory.
MAX_HEADERS: Final = 256
# Each byte of a body allows so many bytes, itself included: a chunk may have a single byte.
FRAME_BYTES_PER_BODY_BYTE: Final = 16
# Requests that wait for the response to an earlier one.
MAX_PIPELINED: Final = 32
# A response can precede the end of its request's body, for example when an option is invalid. The
# rest of the body is then read and dropped for this long, so that the client reads its response.
LINGER_S: Final = 15.0
# Responses are written in pieces; the next one waits until the client has taken the last.
PIECE_BYTES: Final = 256 * 1024


class LimitExceededError(Exception):
    """A request exceeds a limit; the parser passes it on as an invalid request."""


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections of clients that exceed a limit.

    The limits: the constants above, ``head_timeout_s`` for request line and headers,
    ``send_timeout_s`` for a client to read its response, ``max_body_bytes`` for the body of any
    request, whether or not its route reads it.
    """

    head_timeout_s = 10.0
    send_timeout_s = 60.0
    max_body_bytes = 2**30

    _in_body = False
    _body_bytes = 0
    _frame_bytes = 0
    _progress_s = 0.0
    _head_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = send_in_pieces(self.app)
        self.ws_protocol_class = None  # a WebSocket would replace this protocol and its limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the first head."""
        super().connection_made(transport)
        # Writing pauses as soon as the kernel takes no more. So a response is complete only when
        # all of it has left this process, and no byte waits without a time limit.
        transport.set_write_buffer_limits(high=0)
        limit_unsent(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers, which would keep the connection in memory."""
        for timer in (self._head_timer, self._send_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse ``data`` and close above a limit, which one read of at most 256 KB may exceed."""
        self._frame_bytes += len(data)
        self._progress_s = self.loop.time()
        super().data_received(data)
        if self._frame_bytes > MAX_FRAME_BYTES or self._body_bytes > self.max_body_bytes:
            self.transport.close()
        elif not self._in_body and not self._is_responding():
            # Empty lines before a request begin no message, but end uvicorn's keep-alive time.
            self._start_head_timer()

    def on_message_begin(self) -> None:
        """Start the time limit of a later head."""
        self._start_head_timer()
        super().on_message_begin()
        self.scope["state"]["connection"] = self

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; drop a trailer, which no route reads."""
        if self._in_body:
            return
        if len(self.headers) >= MAX_HEADERS:
            raise LimitExceededError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Count what follows as the body."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise LimitExceededError("too many requests at once")
        upgrade = self.parser.should_upgrade()
        if upgrade and any(
            name in (b"content-length", b"transfer-encoding") for name, _ in self.headers
        ):
            # The parser takes the body of such a request for the next request.
            raise LimitExceededError("a body with an upgrade")
        self._in_body = True
        self._body_bytes = self._frame_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()
        if upgrade:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Count the bytes of the body, apart from those around them."""
        self._body_bytes += len(body)
        allowed_bytes = FRAME_BYTES_PER_BODY_BYTE * len(body)
        self._frame_bytes = max(0, self._frame_bytes - allowed_bytes)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count what follows as the next head."""
        self._in_body = False
        self._body_bytes = self._frame_bytes = 0
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Limit the time that the rest of the body may take, and give the next response its own."""
        super().on_response_complete()
        self._stop_send_timer()
        if self.flow.write_paused:
            self._start_send_timer()
        if self._in_body and self.cycle.response_complete and self._linger_timer is None:
            self._linger_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Respond to an invalid request, unless that would end up inside of another response."""
        if self._is_responding():
            self.transport.close()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """Start the time limit of a client that is slow to read its response."""
        super().pause_writing()
        self._progress_s = self.loop.time()
        self._start_send_timer()

    def resume_writing(self) -> None:
        """Stop that time limit when the client has read all; else the response has more pieces."""
        if not self._is_responding():
            self._stop_send_timer()
        super().resume_writing()

    def stalled_s(self) -> float:
        """Return for how long the client has neither sent more of a body nor read more."""
        awaits_body = self._in_body and not self.flow.read_paused
        is_waiting = awaits_body or self.flow.write_paused
        return self.loop.time() - self._progress_s if is_waiting else 0.0

    def abort(self) -> None:
        """Close the connection at once, with what waits to be sent."""
        self.transport.abort()

    def _is_responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_send_timer(self) -> None:
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(self.send_timeout_s, self.transport.abort)

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout_s, self._on_head_timeout)

    def _on_head_timeout(self) -> None:
        self._head_timer = None
        if self._is_responding():  # a pipelined request: the one before it is still being handled
            self._start_head_timer()
        else:
            self.transport.abort()


def limit_unsent(transport: asyncio.Transport) -> None:
    """Let the kernel hold little more than a piece beyond what is on its way to the client.

    By default that is megabytes, and a third of them must leave before it takes more. A client that
    reads them steadily would look as if it read nothing for seconds.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # not on every system
    connection = transport.get_extra_info("socket")
    if option and connection and connection.family in {socket.AF_INET, socket.AF_INET6}:
        connection.setsockopt(socket.IPPROTO_TCP, option, PIECE_BYTES)


def send_in_pieces(app: ASGIApp) -> ASGIApp:
    """Return ``app`` with its responses in pieces; the last one is empty.

    uvicorn waits before each piece until the client has taken the one before. So a request ends when
    its response has been written, or its client has been disconnected.
    """

    async def paced(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_pieces(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or not body:
                await send(message)
                return
            view = memoryview(body)
            for start in range(0, len(view), PIECE_BYTES):
                piece = view[start : start + PIECE_BYTES]
                await send({"type": message["type"], "body": piece, "more_body": True})
            if not message.get("more_body", False):
                await send({"type": message["type"], "body": b"", "more_body": False})

        await app(scope, receive, send_pieces if scope["type"] == "http" else send)

    return paced


def limit_protocol(
    head_timeout_s: float, send_timeout_s: float, max_upload_bytes: int
) -> type[LimitedProtocol]:
    """Return the protocol class with these limits."""
    limits = {
        "head_timeout_s": head_timeout_s,
        "send_timeout_s": send_timeout_s,
        # More than an upload, so that one that is too large gets its 413.
        "max_body_bytes": max_upload_bytes + 2**20,
    }
    return type("ConfiguredProtocol", (LimitedProtocol,), limits)
