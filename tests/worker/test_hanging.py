"""A worker with a task that hangs ends itself, and its jobs return to the queue."""

import os
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis
from rq import Retry
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.recovery import recover
from contract.keys import (
    JOB_FUNCTION,
    MAX_RETRIES,
    QUEUE_NAME,
    input_key,
    worker_executions_key,
    worker_key,
)
from contract.messages import Options, Request
from tests.integration.running import wait_for
from tests.photos import file_of, photo
from worker.queue.batch_worker import HUNG_EXIT_CODE
from worker.queue.jobs import is_retried

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.worker.hanging_worker"]


def enqueue(connection: Redis, *, job_timeout_s: int) -> Queue:
    """Queue two jobs."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number in range(2):
        request = Request(Options(), "me", 1, 100, time.time(), time.time() + 60)
        connection.set(input_key(f"job-{number}"), file_of(photo(64, 48)), ex=60)
        queue.enqueue(
            JOB_FUNCTION,
            kwargs={"request": request.to_json()},
            job_id=f"job-{number}",
            job_timeout=job_timeout_s,
            retry=Retry(max=MAX_RETRIES, enqueue_at_front=True),
        )
    return queue


def test_a_worker_with_a_hanging_task_sends_heartbeats_and_then_ends_itself(
    connection: Redis, redis_url: str
) -> None:
    queue = enqueue(connection, job_timeout_s=5)
    heartbeats: set[bytes | None] = set()

    def count_heartbeats() -> int:
        """Return how many different heartbeats have been seen."""
        heartbeats.add(connection.hget(worker_key("hanging"), "last_heartbeat"))
        return len(heartbeats)

    with subprocess.Popen([*COMMAND, redis_url], cwd=ROOT) as process:
        try:
            wait_for(lambda: connection.scard(worker_executions_key("hanging")) == 2, 60)
            wait_for(lambda: count_heartbeats() > 2, 20, "for heartbeats during a pass")
            (worker,) = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
            assert (worker.get_state(), worker.successful_job_count) == ("busy", 0)
            assert len(queue.started_job_registry.get_job_ids(cleanup=False)) == 2
            assert queue.count == 0
            assert process.wait(60) == HUNG_EXIT_CODE == os.EX_SOFTWARE
        finally:
            process.kill()
    # The worker has not unregistered: its record names the jobs that it had started.
    assert recover(connection, "hanging", failure_ttl_s=60) == 2
    jobs = [Job.fetch(one, connection, JSONSerializer) for one in queue.job_ids]
    assert len(jobs) == 2
    assert all(is_retried(job) for job in jobs)
