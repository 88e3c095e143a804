"""Redis stops to answer and keeps what it has: nobody waits for ever, nothing needs a restart."""

import signal
import time
from pathlib import Path

import httpx
from redis import Redis

from app.redis import SOCKET_TIMEOUT_S
from bench.robustness.chaos_leftovers import find_leftovers
from tests.integration.in_flight import end_of, in_flight
from tests.integration.running import run_service, wait_for
from tests.photos import file_of, photo

UPLOADS = 30
SIZE = (160, 120)
# What a busy machine may add.
MARGIN_S = 8.0


def upload(url: str, timeout_s: float = 60, **headers: str) -> int:
    """Send a photo that isn't under way yet; return its status."""
    content = file_of(photo(*SIZE))
    answer = httpx.post(f"{url}/compress", content=content, headers=headers, timeout=timeout_s)
    return end_of(answer, SIZE)


def test_a_redis_that_hangs_is_refused_for_and_goes_on_with_what_it_had(tmp_path: Path) -> None:
    settings = {"RESULT_TTL_S": "2", "MAINTENANCE_INTERVAL_S": "1", "MAX_BATCH_SIZE": "2"}
    with run_service(tmp_path, **settings) as service, in_flight(service.url, UPLOADS) as photos:
        url = service.url
        (redis,) = service.children("redis.sock")
        before = [process.pid for process in service.children("-m ")]
        redis.send_signal(signal.SIGSTOP)
        frozen_s = time.monotonic()
        try:
            waiting = photos.waiting
            # Asking the cache first costs an upload one timeout; by its end the front end's own
            # look at Redis has failed as well, and uploads are refused without asking.
            time.sleep(3)
            assert upload(url, SOCKET_TIMEOUT_S + MARGIN_S) == 503
            assert upload(url, MARGIN_S, **{"Cache-Control": "no-store"}) == 503
            assert httpx.get(f"{url}/livez", timeout=MARGIN_S).status_code == httpx.codes.OK
            # Every timeout of a socket is to be over.
            time.sleep(max(0.0, frozen_s + SOCKET_TIMEOUT_S + 2 - time.monotonic()))
        finally:
            redis.send_signal(signal.SIGCONT)
        assert waiting > UPLOADS // 2
        # Redis has kept the jobs, and their clients have waited.
        ends = photos.ends()
        assert ends[200] > UPLOADS - waiting, ends
        ready = f"{url}/readyz"
        wait_for(lambda: httpx.get(ready).status_code == httpx.codes.OK, 20, "to be ready")
        assert upload(url) == httpx.codes.OK
        assert [process.pid for process in service.children("-m ")] == before
        with Redis.from_url(service.redis_url) as connection:
            wait_for(lambda: not find_leftovers(connection), 20, "for an empty Redis")
