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

from app.recovery import recover
from contract.keys import JOB_FUNCTION, MAX_RETRIES, QUEUE_NAME, input_key
from contract.messages import Options, Request
from tests.photos import file_of, photo
from worker.batching import HUNG, is_retried

ROOT = Path(__file__).parent.parent.parent


def test_a_worker_that_hangs_ends_itself_and_its_jobs_are_run_alone(
    connection: Redis, redis_url: str
) -> None:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    for number in range(2):
        request = Request(Options(), "me", 1, 100, time.time(), time.time() + 60)
        connection.set(input_key(f"job-{number}"), file_of(photo(64, 48)), ex=60)
        queue.enqueue(
            JOB_FUNCTION,
            kwargs={"request": request.to_json()},
            job_id=f"job-{number}",
            job_timeout=1,
            retry=Retry(max=MAX_RETRIES, enqueue_at_front=True),
        )
    command = [sys.executable, "-m", "tests.worker.hanging_worker", redis_url]
    assert subprocess.run(command, cwd=ROOT, timeout=120, check=False).returncode == HUNG
    # It said nothing at its end: what it held can still be told.
    assert recover(connection, "hanging", failure_ttl_s=60) == 2
    jobs = [Job.fetch(one, connection, JSONSerializer) for one in queue.job_ids]
    assert len(jobs) == 2
    assert all(is_retried(job) for job in jobs)
