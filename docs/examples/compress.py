"""Compress photos with Foveate from Python. Needs httpx.

    python compress.py photo.jpg smaller.jpg quality=60
    python compress.py --job photo.jpg smaller.jpg width=1024

FOVEATE_URL is the service, FOVEATE_API_KEY its key if it asks for one.
"""

import os
import sys
import time
from pathlib import Path

import httpx

BUSY = (429, 503)
TRIES = 6


class ProblemError(Exception):
    """The service said no; ``type`` is one of those listed in docs/api.md."""

    def __init__(self, problem: dict) -> None:
        super().__init__(problem["detail"])
        self.type = problem["type"].removeprefix("urn:foveate:problem:")


def connect() -> httpx.Client:
    """Return a client that keeps its connection: use one for many photos."""
    key = os.environ.get("FOVEATE_API_KEY")
    return httpx.Client(
        base_url=os.environ.get("FOVEATE_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=90,
    )


def post(client: httpx.Client, photo: bytes, options: dict, headers: dict) -> httpx.Response:
    """Upload a photo; while the service is busy, come back when it says."""
    for _ in range(TRIES):
        answer = client.post("/compress", params=options, content=photo, headers=headers)
        if answer.status_code not in BUSY:
            break
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    return checked(answer)


def checked(answer: httpx.Response) -> httpx.Response:
    """Return a good answer, raise ProblemError for any other (RFC 9457)."""
    if answer.is_error:
        raise ProblemError(answer.json())
    return answer


def compress(client: httpx.Client, photo: bytes, **options: str) -> bytes:
    """Return the JPEG of a photo."""
    answer = post(client, photo, options, {})
    before, after = (int(answer.headers[f"X-{name}-Bytes"]) for name in ("Original", "Compressed"))
    print(f"{before} -> {after} bytes", file=sys.stderr)
    return answer.content


def compress_as_job(client: httpx.Client, photo: bytes, **options: str) -> bytes:
    """Do the same without holding a request open: queue the photo, look after it, fetch the JPEG."""
    job = post(client, photo, options, {"Prefer": "respond-async"}).json()
    while job["state"] in ("queued", "started"):
        print(job["state"], job.get("position", ""), file=sys.stderr)
        time.sleep(0.5)
        job = checked(client.get(job["links"]["self"])).json()
    if job["state"] == "failed":
        raise ProblemError(job["error"])
    result = job["result"]
    print(f"{result['original_bytes']} -> {result['compressed_bytes']} bytes", file=sys.stderr)
    return checked(client.get(job["links"]["image"])).content


def main(arguments: list[str]) -> None:
    """Compress one file."""
    way = compress
    if arguments[0] == "--job":
        way, arguments = compress_as_job, arguments[1:]
    source, target, *given = arguments
    options = dict(option.split("=", 1) for option in given)
    with connect() as client:
        try:
            Path(target).write_bytes(way(client, Path(source).read_bytes(), **options))
        except ProblemError as error:
            sys.exit(f"{source}: {error.type}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
