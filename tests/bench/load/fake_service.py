"""An HTTP server that responds like the service, with the status and delay that a test chooses."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JPEG = b"\xff\xd8\xff\xd9"
METRICS = "foveate_batch_size_sum {}\nfoveate_batch_size_count {}\n"

Behaviour = Callable[[int], tuple[int, float]]
"""Number of the request, from 0 -> status, and seconds of work before the response."""


class FakeService:
    """Counts requests and connections; handles one request at a time, like one worker."""

    def __init__(self, behaviour: Behaviour, metrics_status: int) -> None:
        self.behaviour = behaviour
        self.metrics_status = metrics_status
        self.requests = 0
        self.connections = 0
        self.lock = threading.Lock()
        self.working = threading.Lock()


@contextmanager
def fake_service(
    behaviour: Behaviour = lambda _: (200, 0.0), *, metrics_status: int = 200, idle_s: float = 5.0
) -> Iterator[tuple[str, FakeService]]:
    """Serve on a free port; connections that idle for ``idle_s`` are closed."""
    service = FakeService(behaviour, metrics_status)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = idle_s
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            with service.lock:
                service.connections += 1

        def do_GET(self) -> None:
            with service.lock:  # batches of two
                text = METRICS.format(2 * service.requests, service.requests)
            self.reply(service.metrics_status, text.encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with service.lock:
                number = service.requests
                service.requests += 1
            status, seconds = service.behaviour(number)
            if seconds:
                with service.working:
                    time.sleep(seconds)
            self.reply(status, JPEG if status == 200 else b"{}")

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", service
        finally:
            server.shutdown()
            thread.join()
