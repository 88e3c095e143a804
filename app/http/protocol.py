"""uvicorn's HTTP/1.1 protocol with the limits on slow and endless clients that it lacks.

Without them one connection could fill the memory, and stall the event loop, with headers; and
thousands of idle ones could hold every file descriptor for ever, at no cost to who opened them.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
# A response may go out before its request's body has come in, because an option in it is wrong; the
# rest of the body is then read and dropped for this long, so that the client reads its response.
LINGER_S: Final = 15.0


class BoundedHeadProtocol(HttpToolsProtocol):
    """Closes connections whose request line and headers exceed ``MAX_HEAD_BYTES`` or take too long.

    So it does with those whose answers aren't taken, or whose bodies go on after the response.
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
        """Expect a head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all timers: they would keep the connection's memory."""
        for timer in (self._head_timer, self._send_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head has begun; its time runs."""
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting: what follows is body, which has its own limits."""
        self._heads_completed += 1
        self._head_bytes = 0
        self._in_body = True
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Between requests the next head begins."""
        self._in_body = False
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Give a body that nobody reads any more a last while."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._await_taking()
        elif self._in_body and self.cycle.response_complete:
            self._linger_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; one read, 256 KB at most, may go beyond the limit."""
        in_head, heads_completed = not self._in_body, self._heads_completed
        super().data_received(data)
        if in_head and self._heads_completed == heads_completed:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.close()

    def pause_writing(self) -> None:
        """The client takes less than it gets; give it a while."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; what it hasn't taken of its response by then it won't."""
        super().timeout_keep_alive_handler()
        self._await_taking()

    def _await_taking(self) -> None:
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(self.send_timeout_s, self.transport.abort)

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_timeout_s, self._on_late_head)

    def _on_late_head(self) -> None:
        self._head_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:  # begun behind a request that is being answered, which comes first
            self._await_head()


def bounded_protocol(head_timeout_s: float, send_timeout_s: float) -> type[BoundedHeadProtocol]:
    """Return the protocol with these limits, in seconds."""
    limits = {"head_timeout_s": head_timeout_s, "send_timeout_s": send_timeout_s}
    return type("ConfiguredProtocol", (BoundedHeadProtocol,), limits)
