"""uvicorn's HTTP/1.1 protocol with a limit on the request's head, which it lacks.

Without one a single connection could fill the memory, and stall the event loop, with headers.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024


class BoundedHeadProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers exceed ``MAX_HEAD_BYTES``."""

    _head_bytes = 0
    _heads_completed = 0
    _in_body = False

    def on_headers_complete(self) -> None:
        """Stop counting: what follows is body, which has its own limit."""
        self._heads_completed += 1
        self._head_bytes = 0
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Between requests the next head begins."""
        self._in_body = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; one read, 256 KB at most, may go beyond the limit."""
        in_head, heads_completed = not self._in_body, self._heads_completed
        super().data_received(data)
        if in_head and self._heads_completed == heads_completed:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.close()
