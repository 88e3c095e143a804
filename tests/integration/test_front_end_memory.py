"""A front end with more uploads than it may hold stays within the memory of docs/operations.md.

What it does with a single upload takes no more memory than the upload.
"""

import os
import struct
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from redis import Redis

from bench.load.service_process import peak_rss_bytes
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import post
from tests.photos import file_of, photo

HELD_BYTES = 40_000_000
# On top of twice MAX_PENDING_BYTES.
ALLOWED_BYTES = 100_000_000
UPLOADS = 100
# For one upload of some kilobytes.
FOR_ONE_UPLOAD_BYTES = 4_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak of a process")
def test_uploads_beyond_the_limit_take_no_more_memory(connection: Redis, redis_url: str) -> None:
    # Bytes after the end of a photo are allowed; they make it large in no time.
    upload = file_of(photo(64, 48)) + os.urandom(3_000_000)
    settings = {
        "MAX_PENDING_BYTES": str(HELD_BYTES),
        "REQUEST_TIMEOUT_S": "4",
        "WORKER_GRACE_S": "300",  # there is no worker: every accepted upload is held
        "CACHE_MAX_BYTES": "0",
    }
    with run_front_end(redis_url, **settings) as front_end, ThreadPoolExecutor(UPLOADS) as pool:

        def send(_: int) -> httpx.Response:
            return post(f"{front_end.url}/compress", content=upload, timeout=60)

        responses = list(pool.map(send, range(UPLOADS)))
        peak = peak_rss_bytes(psutil.Process(front_end.process.pid))
    ends = Counter(response.status_code for response in responses)
    assert ends.keys() == {429, 504}
    # As many were accepted as fit.
    assert ends[504] >= HELD_BYTES // len(upload)
    refused = [response for response in responses if response.status_code == 429]
    assert all(1 <= int(response.headers["Retry-After"]) <= 60 for response in refused)
    assert peak < ALLOWED_BYTES + 2 * HELD_BYTES
    assert not connection.keys("in:*")


def make_disposed_gif(side_px: int, size_bytes: int) -> bytes:
    """Return a GIF whose only frame is to be disposed of, which some readers prepare at once."""
    start = b"GIF89a" + struct.pack("<HH", side_px, side_px) + b"\x80\0\0" + bytes(6)
    frame = b"!\xf9\4\x08\0\0\0\0," + struct.pack("<4HB", 0, 0, side_px, side_px, 0)
    pixels = b"\2\2D\1\0;"
    comment = b"\xff" + bytes(255)
    blocks = (size_bytes - len(start + frame + pixels)) // len(comment)
    return start + (b"!\xfe" + comment * blocks + b"\0" if blocks else b"") + frame + pixels


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak of a process")
@pytest.mark.parametrize(("side_px", "size_bytes"), [(15_000, 43), (65_535, 65_000)])
def test_a_gif_of_many_pixels_is_refused_without_allocating_them(
    redis_url: str, side_px: int, size_bytes: int
) -> None:
    gif = make_disposed_gif(side_px, size_bytes)
    with run_front_end(redis_url) as front_end:
        process = psutil.Process(front_end.process.pid)
        before = peak_rss_bytes(process)
        response = post(f"{front_end.url}/compress", content=gif, timeout=60)
        assert response.status_code == 413
        assert response.json()["type"].endswith("too-many-pixels")
        assert peak_rss_bytes(process) < before + FOR_ONE_UPLOAD_BYTES
