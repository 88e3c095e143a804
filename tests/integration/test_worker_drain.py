"""A worker without a supervisor is told to end: its photos are done, or go to the next worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS

from contract.keys import QUEUE_NAME
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import post
from tests.integration.running import FEW_PHOTOS, ROOT, wait_for
from tests.photos import file_of, photo

UPLOADS = 10
# The least number of photos that a worker of two threads holds while others wait.
HELD = 3
PASS_S = 0.5


@contextmanager
def worker(connection: Redis, redis_url: str, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker with a stand-in for the network; it is ready when it is yielded."""
    settings = {"REDIS_URL": redis_url, "PASS_S": str(PASS_S), **FEW_PHOTOS}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.worker_without_network", "--name", name],
        cwd=ROOT,
        env={**os.environ, **settings},
    )
    try:
        wait_for(lambda: connection.exists(f"rq:worker:{name}"), 90, "for a worker")
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("signals", [1, 2], ids=["drained", "at once"])
def test_no_upload_is_lost_when_a_worker_is_told_to_end(
    connection: Redis, redis_url: str, signals: int
) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    started = queue.started_job_registry
    files = [file_of(photo(200 + number, 150), "JPEG") for number in range(UPLOADS)]
    with (
        run_front_end(redis_url, REQUEST_TIMEOUT_S="120", WORKER_GRACE_S="120") as front_end,
        ThreadPoolExecutor(UPLOADS) as pool,
    ):
        target = f"{front_end.url}/compress"
        with worker(connection, redis_url, "leaving") as process:
            futures = [pool.submit(post, target, content=file, timeout=150) for file in files]
            wait_for(
                lambda: queue.count and started.get_job_count(cleanup=False) >= HELD, 60, "for jobs"
            )
            process.send_signal(signal.SIGTERM)
            if signals == 2:
                # RQ ignores a second one within a second; the photos must not end meanwhile.
                time.sleep(0.2)
                process.send_signal(signal.SIGSTOP)
                time.sleep(1.2)
                process.send_signal(signal.SIGTERM)
            held = started.get_job_count(cleanup=False)
            process.send_signal(signal.SIGCONT)
            code = process.wait(60)
        assert held > 0
        assert code == 0 or signals == 2
        # Its photos are done or wait for the next worker; none counts as running.
        assert started.get_job_ids(cleanup=False) == []
        assert queue.intermediate_queue.get_job_ids() == []
        assert connection.smembers(REDIS_WORKER_KEYS) == set()
        wait_for(lambda: queue.count + sum(one.done() for one in futures) == UPLOADS, 10)
        assert queue.count > 0 or signals == 1
        with worker(connection, redis_url, "next"):
            assert [future.result(150).status_code for future in futures] == [200] * UPLOADS
