"""Work that hangs costs the worker its life, and no job."""

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
from contract.keys import JOB_FUNCTION, MAX_RETRIES, QUEUE_NAME, input_key
from contract.messages import Options, Request
from tests.integration.running import wait_for
from tests.photos import file_of, photo
from worker.queue.batch_worker import HUNG
from worker.queue.jobs import is_retried

ROOT = Path(__file__).parent.parent.parent


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


def test_a_worker_that_hangs_ends_itself_and_its_jobs_are_run_alone(
    connection: Redis, redis_url: str
) -> None:
    queue = enqueue(connection, job_timeout_s=1)
    command = [*COMMAND, redis_url]
    assert subprocess.run(command, cwd=ROOT, timeout=120, check=False).returncode == HUNG
    # It said nothing at its end: what it held can still be told.
    assert recover(connection, "hanging", failure_ttl_s=60) == 2
    jobs = [Job.fetch(one, connection, JSONSerializer) for one in queue.job_ids]
    assert len(jobs) == 2
    assert all(is_retried(job) for job in jobs)


def test_a_long_batch_is_reported_as_one_that_runs(connection: Redis, redis_url: str) -> None:
    queue = enqueue(connection, job_timeout_s=100)
    heard: list[bytes | None] = []

    def word() -> int:
        """Return how many different heartbeats have come since the first look."""
        heard.append(connection.hget("rq:worker:hanging", "last_heartbeat"))
        return len(set(heard))

    with subprocess.Popen([*COMMAND, redis_url], cwd=ROOT) as process:
        try:
            wait_for(lambda: connection.scard("rq:worker:hanging:executions") == 2, 60)
            started_s = time.monotonic()
            wait_for(lambda: word() > 4, 20, "for heartbeats in the middle of a pass")
            # Who listens gives a worker up after 15 s.
            assert time.monotonic() - started_s < 12
            (worker,) = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
            assert (worker.get_state(), worker.successful_job_count) == ("busy", 0)
            assert len(queue.started_job_registry.get_job_ids(cleanup=False)) == 2
            assert queue.count == 0
        finally:
            process.kill()
