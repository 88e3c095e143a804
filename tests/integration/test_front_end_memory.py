"""A front end with more uploads than it may hold stays within the memory of docs/operations.md."""

import os
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
