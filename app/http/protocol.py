"""uvicorn's HTTP/1.1 protocol with limits on slow clients and endless headers.

uvicorn has no such limits. One connection could fill the memory with headers and block the event
loop, and thousands of idle ones could occupy all file descriptors at no cost to the client.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
# A response can precede the end of its request's body, for example when an option is invalid. The
# rest of the body is then read and dropped for this long, so that the client reads its response.
LINGER_S: Final = 15.0


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections of clients that exceed a limit.

    The limits: ``MAX_HEAD_BYTES`` and ``head_timeout_s`` for request line and headers,
    ``send_timeout_s`` for a client to read its response, ``LINGER_S`` for a body that continues
    after the response.
    """

    head_timeout_s = 10.0
    send_timeout_s = 60.0

    _head_bytes = 0
    _heads_completed = 0
    _in_body = False
    _head_timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the first head."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers, which would keep the connection in memory."""
        for timer in (self._head_timer, self._send_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the time limit of a later head."""
        self._start_head_timer()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: what follows is the body, which has its own limits."""
        self._heads_completed += 1
        self._head_bytes = 0
        self._in_body = True
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count what follows as the next head."""
        self._in_body = False
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Limit the time that the rest of the body, or the rest of the response, may take."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_send_timer()
        elif self._in_body and self.cycle.response_complete:
            self._linger_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Parse ``data``. A head may exceed its limit by one read, at most 256 KB."""
        in_head, heads_completed = not self._in_body, self._heads_completed
        super().data_received(data)
        if in_head and self._heads_completed == heads_completed:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.close()

    def pause_writing(self) -> None:
        """Start the time limit of a client that is slow to read its response."""
        super().pause_writing()
        self._start_send_timer()

    def resume_writing(self) -> None:
        """Stop that time limit: the client has caught up."""
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, within the time limit even if its response is still unread."""
        super().timeout_keep_alive_handler()
        self._start_send_timer()

    def _start_send_timer(self) -> None:
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(self.send_timeout_s, self.transport.abort)

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout_s, self._on_head_timeout)

    def _on_head_timeout(self) -> None:
        self._head_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:  # a pipelined request: the one before it is still being handled
            self._start_head_timer()


def limit_protocol(head_timeout_s: float, send_timeout_s: float) -> type[LimitedProtocol]:
    """Return the protocol class with these time limits."""
    limits = {"head_timeout_s": head_timeout_s, "send_timeout_s": send_timeout_s}
    return type("ConfiguredProtocol", (LimitedProtocol,), limits)
