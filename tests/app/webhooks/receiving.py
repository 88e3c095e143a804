"""An HTTP server on this machine that receives webhooks, and answers as its paths say."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RAW_KEY = b"a-key-of-twenty-four-bytes-or-more"
KEY = f"whsec_{base64.b64encode(RAW_KEY).decode()}"


@dataclass
class Received:
    """One attempt: its path, its headers by lower-case name, its body, and when it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def document(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)

    def has_signature_of(self, key: bytes) -> bool:
        """Return whether one of the signatures is that of ``key``, by the words of the standard."""
        signed = b".".join(
            [
                self.headers["webhook-id"].encode(),
                self.headers["webhook-timestamp"].encode(),
                self.body,
            ]
        )
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Notes what it receives; ``statuses`` are those of the next answers, 204 when it is empty.

    It answers ``/slow`` after ``slow_s``.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    slow_s: float = 30.0
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook") -> str:
        """Return the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        """Return what was received at ``path``."""
        return [one for one in self.received if one.path == path]


@contextmanager
def run_receiver(port: int = 0) -> Iterator[Receiver]:
    """Run the server in threads."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body, time.monotonic()))
            if self.path == "/slow":
                receiver.over.wait(receiver.slow_s)
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Print nothing: clients give up slow answers."""

    server = Server(("127.0.0.1", port), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
