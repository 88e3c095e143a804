"""Traces go to the collector that is configured, and nowhere else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.integration.front_end import run_front_end
from tests.integration.http_requests import get

REDIS = "unix:///nonexistent/redis.sock"


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Run a collector of OTLP over HTTP; yield its URL and the bodies that it received."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", received
        finally:
            server.shutdown()
            thread.join()


def test_requests_are_traced_to_the_collector() -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with collector() as (url, received):
        with run_front_end(
            REDIS, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_COMPRESSION="none"
        ) as running:
            headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
            get(f"{running.url}/jobs/x/heatmap", headers=headers)
        # At its end the front end sends its last spans.
        spans = b"".join(received)
    assert b"foveate" in spans
    assert b"/jobs/{job_id}/heatmap" in spans
    assert bytes.fromhex(trace_id) in spans
    assert b"/livez" not in spans
