"""Compress photos with Foveate from Python. Needs httpx.

    python compress.py photo.jpg smaller.jpg quality=60
    python compress.py --job photo.jpg smaller.jpg width=1024

FOVEATE_URL is the URL of the service. FOVEATE_API_KEY is an API key, if the service requires one.
"""

import os
import sys
import time
from pathlib import Path

import httpx

BUSY = (429, 503)
TRIES = 6


class ProblemError(Exception):
    """The service refused the request; docs/api.md lists the values of ``type``."""

    def __init__(self, problem: dict) -> None:
        super().__init__(problem["detail"])
        self.type = problem["type"].removeprefix("urn:foveate:problem:")


def connect() -> httpx.Client:
    """Return a client that keeps its connection. Use one client for many photos."""
    key = os.environ.get("FOVEATE_API_KEY")
    return httpx.Client(
        base_url=os.environ.get("FOVEATE_URL", "http://127.0.0.1:8000"),
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=90,
    )


def post(client: httpx.Client, photo: bytes, options: dict, headers: dict) -> httpx.Response:
    """Upload a photo; while the service is busy, wait as long as it says and try again."""
    for _ in range(TRIES):
        response = client.post("/compress", params=options, content=photo, headers=headers)
        if response.status_code not in BUSY:
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))
    return checked(response)


def checked(response: httpx.Response) -> httpx.Response:
    """Return a successful response; raise ProblemError for an error (RFC 9457)."""
    if response.is_error:
        raise ProblemError(response.json())
    return response


def compress(client: httpx.Client, photo: bytes, **options: str) -> bytes:
    """Return a photo as a smaller JPEG."""
    response = post(client, photo, options, {})
    before, after = (response.headers[f"X-{name}-Bytes"] for name in ("Original", "Compressed"))
    print(f"{before} -> {after} bytes", file=sys.stderr)
    return response.content


def compress_as_job(client: httpx.Client, photo: bytes, **options: str) -> bytes:
    """Do the same as a job: queue the photo, ask for its state until it has ended, fetch the JPEG."""
    job = post(client, photo, options, {"Prefer": "respond-async"}).json()
    while job["state"] in ("queued", "started"):
        print(job["state"], job.get("position", ""), file=sys.stderr)
        time.sleep(0.5)
        job = checked(client.get(client.base_url.join(job["links"]["self"]))).json()
    if job["state"] == "failed":
        raise ProblemError(job["error"])
    result = job["result"]
    print(f"{result['original_bytes']} -> {result['compressed_bytes']} bytes", file=sys.stderr)
    return checked(client.get(client.base_url.join(job["links"]["image"]))).content


def main(arguments: list[str]) -> None:
    """Compress one file."""
    run = compress
    if arguments[0] == "--job":
        run, arguments = compress_as_job, arguments[1:]
    source, target, *pairs = arguments
    options = dict(pair.split("=", 1) for pair in pairs)
    with connect() as client:
        try:
            Path(target).write_bytes(run(client, Path(source).read_bytes(), **options))
        except ProblemError as error:
            sys.exit(f"{source}: {error.type}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
