"""A front end that is sent more than it may hold keeps to the memory that docs/operations.md names."""

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
from tests.photos import file_of, photo

HELD_BYTES = 40_000_000
# Beside twice MAX_PENDING_BYTES.
ALLOWED_BYTES = 100_000_000
UPLOADS = 300


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process' peak")
def test_uploads_beyond_the_limit_cost_no_more_memory(connection: Redis, redis_url: str) -> None:
    # Trailing bytes are allowed in a photo, and make one large without the time to draw it.
    upload = file_of(photo(64, 48)) + os.urandom(3_000_000)
    settings = {
        "MAX_PENDING_BYTES": str(HELD_BYTES),
        "REQUEST_TIMEOUT_S": "4",
        "WORKER_GRACE_S": "300",  # nobody takes them: all that are let in are held
        "CACHE_MAX_BYTES": "0",
    }
    with run_front_end(redis_url, **settings) as front_end, ThreadPoolExecutor(100) as pool:

        def post(_: int) -> httpx.Response:
            return httpx.post(f"{front_end.url}/compress", content=upload, timeout=60)

        answers = list(pool.map(post, range(UPLOADS)))
        peak = peak_rss_bytes(psutil.Process(front_end.process.pid))
    ends = Counter(answer.status_code for answer in answers)
    assert ends.keys() == {429, 504}
    # As many as fit were let in, and whoever was refused was told when to come back.
    assert ends[504] >= HELD_BYTES // len(upload)
    assert all(1 <= int(a.headers["Retry-After"]) <= 60 for a in answers if a.status_code == 429)
    assert peak < ALLOWED_BYTES + 2 * HELD_BYTES
    assert not connection.keys("in:*")
