"""Sends photos to a service and repeats requests while it is busy or unreachable."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from contract.messages import Options

TIMEOUT: Final = httpx.Timeout(90.0, connect=10.0)
BUSY_STATUSES: Final = frozenset({429, 503})
TIMEOUT_STATUSES: Final = frozenset({408, 504})
MAX_TIMEOUTS: Final = 3
# For one photo: how long requests to a busy, and to an unreachable, service are repeated.
MAX_BUSY_S: Final = 300.0
MAX_UNREACHABLE_S: Final = 30.0
FIRST_PAUSE_S: Final = 0.5
MAX_RECONNECT_PAUSE_S: Final = 5.0
MAX_PAUSE_S: Final = 30.0
NO_DOCUMENT: Final = "no-problem-document"
TYPE_PREFIX: Final = "urn:foveate:problem:"


class RefusedError(Exception):
    """The service refuses this photo; ``code`` is the problem's type."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class UnusableServiceError(Exception):
    """The service is unreachable, is not Foveate, or refuses the key: no photo can be compressed."""


class StoppedError(Exception):
    """The run is being stopped."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """A compressed photo; ``unchanged`` when the service returned the upload itself."""

    image: bytes
    heatmap: bytes | None
    heatmap_type: str
    unchanged: bool


class Sender:
    """A client of the service at ``url``; thread-safe."""

    def __init__(self, url: str, *, key: str | None, connections: int, by_proxy: bool) -> None:
        """Prepare the client; ``by_proxy`` lets the environment's proxy settings apply.

        Raises:
            UnusableServiceError: when ``url`` is not a URL, or ``key`` can't be a key.
        """
        self._stopped = threading.Event()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            # A header can't have it, and errors of the HTTP library would quote it.
            raise UnusableServiceError("FOVEATE_API_KEY is not a key: ASCII characters, no spaces")
        try:
            self._client = httpx.Client(
                base_url=url,
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=TIMEOUT,
                limits=httpx.Limits(max_connections=connections),
                trust_env=by_proxy,
            )
        except (httpx.InvalidURL, ValueError):
            # Without the error's text, which quotes a part of the URL, maybe of its password.
            raise UnusableServiceError(
                "the service can't be reached: its URL, or that of a proxy, is not valid"
            ) from None

    def check(self) -> None:
        """Connect once, so that a wrong URL is reported before the first upload.

        Raises:
            UnusableServiceError: when there is no response.
        """
        try:
            self._client.get("/livez")
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise UnusableServiceError(f"the service can't be reached: {error}") from error

    def stop(self) -> None:
        """Close the connections; every call of `send` then raises StoppedError."""
        self._stopped.set()
        self._client.close()

    def send(self, photo: Path | bytes, options: Mapping[str, str]) -> Compressed:
        """Return the compressed photo; a file is streamed from the disk.

        Raises:
            RefusedError: when the service refuses the photo.
            UnusableServiceError: when the service stays unreachable, is not Foveate, or refuses the key.
            StoppedError: when the run is stopped meanwhile.
            OSError: when the file can't be read.
        """
        response = self._request_until_available("POST", "/compress", photo, options)
        output_format = options.get("format", Options().format)
        if response.headers.get("Content-Type") != f"image/{output_format}":
            raise UnusableServiceError("the server at this URL is not Foveate")
        link = response.links.get("heatmap", {}).get("url")
        # Relative to the response: the URL of the service may have a path, which the link has, too.
        heatmap = (
            self._request_until_available("GET", str(response.url.join(link))) if link else None
        )
        return Compressed(
            response.content,
            heatmap.content if heatmap else None,
            heatmap.headers["Content-Type"] if heatmap else "",
            response.headers.get("X-Passthrough") == "true",
        )

    def _request_until_available(
        self,
        method: str,
        path: str,
        photo: Path | bytes | None = None,
        options: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Repeat a request while the service is busy or unreachable; return its successful response."""
        started_s = time.monotonic()
        timeouts = 0
        reconnect_pause_s = FIRST_PAUSE_S
        while True:
            try:
                response = self._request(method, path, photo, options)
            except httpx.TransportError as error:
                self._raise_if_stopped()
                if time.monotonic() - started_s > MAX_UNREACHABLE_S:
                    raise UnusableServiceError(f"the service can't be reached: {error}") from error
                pause_s = reconnect_pause_s = min(2 * reconnect_pause_s, MAX_RECONNECT_PAUSE_S)
            except RuntimeError as error:  # httpx raises it for a closed client
                self._raise_if_stopped()
                raise UnusableServiceError(str(error)) from error
            else:
                timeouts += response.status_code in TIMEOUT_STATUSES
                elapsed_s = time.monotonic() - started_s
                repeat = (response.status_code in BUSY_STATUSES and elapsed_s < MAX_BUSY_S) or (
                    response.status_code in TIMEOUT_STATUSES and timeouts < MAX_TIMEOUTS
                )
                if not repeat:
                    return check_response(response)
                pause_s = parse_retry_after_s(response)
            if self._stopped.wait(min(pause_s, MAX_PAUSE_S)):
                raise StoppedError

    def _request(
        self,
        method: str,
        path: str,
        photo: Path | bytes | None,
        options: Mapping[str, str] | None,
    ) -> httpx.Response:
        self._raise_if_stopped()
        headers = {"Content-Type": "application/octet-stream"} if photo is not None else {}
        if isinstance(photo, Path):
            with photo.open("rb") as file:
                return self._client.request(
                    method, path, params=options, content=file, headers=headers
                )
        return self._client.request(method, path, params=options, content=photo, headers=headers)

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise StoppedError


def parse_retry_after_s(response: httpx.Response) -> float:
    """Return the pause that a busy service asks for, in seconds; at least 0.1, without one 1."""
    try:
        return max(float(response.headers.get("Retry-After", "1")), 0.1)
    except ValueError:
        return 1.0


def check_response(response: httpx.Response) -> httpx.Response:
    """Return a successful response; raise what the problem document of another says (RFC 9457).

    Raises:
        RefusedError: when the service refuses the photo.
        UnusableServiceError: when it refuses the key, or the server is not Foveate.
    """
    if response.status_code == httpx.codes.OK:
        return response
    try:
        problem = response.json()
        code = str(problem["type"]).removeprefix(TYPE_PREFIX)
        detail = str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = NO_DOCUMENT, f"The service responded with status {response.status_code}."
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise UnusableServiceError(detail)
    if code == NO_DOCUMENT and response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnusableServiceError(
            f"the server at this URL is not Foveate: it responded with {response.status_code}"
        )
    raise RefusedError(code, detail)
