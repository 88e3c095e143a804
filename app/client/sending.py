"""One photo to the service and back, however busy it is."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

TIMEOUT: Final = httpx.Timeout(90.0, connect=10.0)
BUSY: Final = frozenset({429, 503})
LATE: Final = 504
TRIES_WHEN_LATE: Final = 3
# How long a busy or unreachable service is waited for, for one photo.
PATIENCE_S: Final = 300.0
PATIENCE_UNREACHABLE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 30.0
NO_DOCUMENT: Final = "no-problem-document"
TYPE_PREFIX: Final = "urn:foveate:problem:"


class RefusedError(Exception):
    """The service won't compress this photo; ``code`` is its problem type."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class UnusableServiceError(Exception):
    """There is no service, or it serves us nothing: no photo will fare better."""


class StoppedError(Exception):
    """The run has been told to stop."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """What came back."""

    jpeg: bytes
    heatmap: bytes | None
    heatmap_type: str
    unchanged: bool


class Sender:
    """Uploads to the service at ``url``; used by several threads."""

    def __init__(self, url: str, *, key: str | None, connections: int, by_proxy: bool) -> None:
        self._stop = threading.Event()
        try:
            self._client = httpx.Client(
                base_url=url,
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=TIMEOUT,
                limits=httpx.Limits(max_connections=connections),
                trust_env=by_proxy,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise UnusableServiceError(f"the service can't be reached: {error}") from error

    def check(self) -> None:
        """Raise UnusableServiceError where nothing answers: a wrong URL is told at once."""
        try:
            self._client.get("/livez")
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise UnusableServiceError(f"the service can't be reached: {error}") from error

    def stop(self) -> None:
        """Let every upload end, those that wait at once."""
        self._stop.set()
        self._client.close()

    def send(self, photo: Path | bytes, options: Mapping[str, str]) -> Compressed:
        """Return the compressed photo; a file is read as it is sent.

        Raises:
            RefusedError: when the service refuses it.
            UnusableServiceError: when it can't be reached for long, or wants another key.
            StoppedError: when the run is stopped meanwhile.
            OSError: when the file can't be read.
        """
        answer = self._persist("POST", "/compress", photo, options)
        if answer.headers.get("Content-Type") != "image/jpeg":
            raise UnusableServiceError("what answers there isn't Foveate")
        heatmap = answer.links.get("heatmap", {}).get("url")
        picture = self._persist("GET", heatmap) if heatmap else None
        return Compressed(
            answer.content,
            picture.content if picture else None,
            picture.headers["Content-Type"] if picture else "",
            answer.headers.get("X-Passthrough") == "true",
        )

    def _persist(
        self,
        method: str,
        path: str,
        photo: Path | bytes | None = None,
        options: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask until there is an answer that counts."""
        started_s = time.monotonic()
        late = 0
        pause_s = 0.5
        while True:
            try:
                answer = self._ask(method, path, photo, options)
            except httpx.TransportError as error:
                self._check_stopped()
                if time.monotonic() - started_s > PATIENCE_UNREACHABLE_S:
                    raise UnusableServiceError(f"the service can't be reached: {error}") from error
                wait_s = pause_s = min(2 * pause_s, 5.0)
            except RuntimeError as error:  # httpx's for a client that has been closed
                self._check_stopped()
                raise UnusableServiceError(str(error)) from error
            else:
                late += answer.status_code == LATE
                waited_s = time.monotonic() - started_s
                again = (answer.status_code in BUSY and waited_s < PATIENCE_S) or (
                    answer.status_code == LATE and late < TRIES_WHEN_LATE
                )
                if not again:
                    return checked(answer)
                wait_s = asked_pause_s(answer)
            if self._stop.wait(min(wait_s, LONGEST_PAUSE_S)):
                raise StoppedError

    def _ask(
        self,
        method: str,
        path: str,
        photo: Path | bytes | None,
        options: Mapping[str, str] | None,
    ) -> httpx.Response:
        self._check_stopped()
        headers = {"Content-Type": "application/octet-stream"} if photo is not None else {}
        if isinstance(photo, Path):
            with photo.open("rb") as file:
                return self._client.request(
                    method, path, params=options, content=file, headers=headers
                )
        return self._client.request(method, path, params=options, content=photo, headers=headers)

    def _check_stopped(self) -> None:
        if self._stop.is_set():
            raise StoppedError


def asked_pause_s(answer: httpx.Response) -> float:
    """Return for how long a busy service wants to be left alone, in seconds."""
    try:
        return max(float(answer.headers.get("Retry-After", "1")), 0.1)
    except ValueError:
        return 1.0


def checked(answer: httpx.Response) -> httpx.Response:
    """Return a good answer; raise for any other what it says (RFC 9457)."""
    if answer.status_code == httpx.codes.OK:
        return answer
    try:
        problem = answer.json()
        code = str(problem["type"]).removeprefix(TYPE_PREFIX)
        detail = str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = NO_DOCUMENT, f"The service answered with {answer.status_code}."
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise UnusableServiceError(detail)
    if code == NO_DOCUMENT and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
        raise UnusableServiceError(f"what answers there isn't Foveate: {detail}")
    raise RefusedError(code, detail)
