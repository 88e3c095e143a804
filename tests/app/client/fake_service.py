"""A stand-in for the service: it compresses with Pillow, and gives the responses that a test prepares."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

from app.client.sender import TYPE_PREFIX
from tests.photos import file_of


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int = 200
    body: bytes = b""
    content_type: str = "image/jpeg"
    headers: dict[str, str] = field(default_factory=dict)


def problem(status: int, code: str, **headers: str) -> Response:
    """Return a problem document (RFC 9457)."""
    body = json.dumps({"type": f"{TYPE_PREFIX}{code}", "detail": f"It is {code}."}).encode()
    return Response(status, body, "application/problem+json", headers)


@dataclass
class FakeService:
    """``prepared`` responses are given first, in order; ``requests`` are methods and paths."""

    prepared: list[Response] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    uploaded_bytes: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    # Every request except /livez waits until this is set, at most 30 s.
    open: threading.Event = field(default_factory=threading.Event)

    def respond(self, method: str, path: str, body: bytes) -> Response:
        """Return a prepared response, or what the service would."""
        if path == "/livez":
            return Response(body=b"ok", content_type="text/plain")
        self.requests.append((method, path))
        self.open.wait(30)
        if self.prepared:
            return self.prepared.pop(0)
        if method == "GET":
            return Response(body=file_of(Image.new("L", (8, 8))), content_type="image/png")
        options = dict(parse_qsl(urlsplit(path).query))
        try:
            with Image.open(io.BytesIO(body)) as picture:
                result = picture.convert("RGB")
        except OSError:
            return problem(422, "corrupt-image")
        if "width" in options:
            result.thumbnail((int(options["width"]),) * 2)
        quality = int(options.get("quality", 40))
        link = {"Link": '</jobs/1/heatmap>; rel="heatmap"'} if "heatmap" in options else {}
        kind = options.get("format", "jpeg")
        data = file_of(result, kind.upper(), quality=quality)
        return Response(body=data, content_type=f"image/{kind}", headers=link)


@contextmanager
def serve(service: FakeService) -> Iterator[None]:
    """Let ``service`` respond on a free port for a while."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are two packets. With Nagle's algorithm the second waits for an
        # acknowledgement of the first.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            left = int(self.headers.get("Content-Length", 0))
            service.headers = dict(self.headers)
            kept = b""
            total = 0
            while left > 0 and (piece := self.rfile.read(min(left, 65536))):
                left -= len(piece)
                total += len(piece)
                kept = kept + piece if total < 1_000_000 else b""
            if self.command == "POST":
                service.uploaded_bytes.append(total)
            response = service.respond(self.command, self.path, kept)
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            for name, value in response.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(response.body)

        do_POST = do_GET  # noqa: N815 (the name that http.server calls)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        service.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            service.open.set()
            server.shutdown()
            thread.join()
