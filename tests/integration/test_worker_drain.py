"""A worker that nobody supervises is told to end: what it is at ends well, or goes to the next one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS

from contract.keys import QUEUE_NAME
from tests.integration.front_end import run_front_end
from tests.integration.running import ROOT, wait_for
from tests.photos import file_of, photo

UPLOADS = 10


@contextmanager
def worker(connection: Redis, redis_url: str, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one until it is ended; it is ready when it is yielded."""
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "--name", name],
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": redis_url, "MAX_BATCH_SIZE": "4"},
    )
    try:
        wait_for(lambda: connection.exists(f"rq:worker:{name}"), 90, "for a worker")
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("signals", [1, 2], ids=["drained", "at once"])
def test_nothing_is_lost_when_a_worker_is_told_to_end(
    connection: Redis, redis_url: str, signals: int
) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    running = queue.started_job_registry
    large = [file_of(photo(2400 + n, 1600), "JPEG", quality=90) for n in range(UPLOADS)]
    with (
        run_front_end(redis_url, REQUEST_TIMEOUT_S="120", WORKER_GRACE_S="120") as front_end,
        ThreadPoolExecutor(UPLOADS) as pool,
    ):
        target = f"{front_end.url}/compress"
        with worker(connection, redis_url, "leaving") as process:
            futures = [pool.submit(httpx.post, target, content=one, timeout=150) for one in large]
            wait_for(lambda: queue.count and running.get_job_count(cleanup=False) >= 4, 60)
            process.send_signal(signal.SIGTERM)
            if signals == 2:
                # One that follows within a second is taken for the same order; what it is at must
                # not end meanwhile.
                time.sleep(0.2)
                process.send_signal(signal.SIGSTOP)
                time.sleep(1.2)
                process.send_signal(signal.SIGTERM)
            held = running.get_job_count(cleanup=False)
            process.send_signal(signal.SIGCONT)
            code = process.wait(60)
        assert held > 0
        assert code == 0 or signals == 2
        # Whatever it was at is done, or waits for the next worker; nothing is said to run.
        assert running.get_job_ids(cleanup=False) == []
        assert queue.intermediate_queue.get_job_ids() == []
        assert connection.smembers(REDIS_WORKER_KEYS) == set()
        wait_for(lambda: queue.count + sum(one.done() for one in futures) == UPLOADS, 10)
        assert queue.count > 0 or signals == 1
        with worker(connection, redis_url, "next"):
            assert [future.result(150).status_code for future in futures] == [200] * UPLOADS
