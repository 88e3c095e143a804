"""RQ's record of a job, as the front end writes and reads it.

RQ's ``enqueue_many`` sends seven commands for each job; this sends one script, which takes less CPU
time (docs/decisions/0002-what-was-removed.md). The tests compare the record with RQ's.
"""

import zlib
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.utils import utcformat

from contract.keys import (
    JOB_FUNCTION,
    MAX_RETRIES,
    QUEUE_KEY,
    QUEUE_NAME,
    WORK_FIELD,
    input_key,
    record_key,
)
from contract.messages import Request
from contract.work import count_work_px

# A worker ends itself when a job runs longer than this limit. If the client waits a shorter time, the
# limit is a share of that time, so that the next worker can still finish the other photos.
JOB_TIMEOUT_S: Final = 120
JOB_TIMEOUT_SHARE: Final = 0.75
ENQUEUE: Final = Path(__file__).with_name("enqueue.lua").read_text("utf-8")
# RQ's class wants a client; restoring a job from its fields does not use it.
UNCONNECTED: Final = Redis()


def enqueue_command(
    job_id: str, request: Request, *, wait_s: float, result_ttl_s: int
) -> tuple[str | int | bytes, ...]:
    """Return the command that enqueues a job whose client waits for ``wait_s``.

    The job's input must be set first.
    """
    call = (JOB_FUNCTION, None, (), {"request": request.to_json()})
    # The reply repeats this time, and clients see either.
    now = utcformat(datetime.fromtimestamp(request.submitted_unix_s, UTC))
    ttl_s = job_ttl_s(wait_s)
    fields: dict[str, str | int | bytes] = {
        "status": JobStatus.QUEUED.value,
        "created_at": now,
        "enqueued_at": now,
        "data": zlib.compress(JSONSerializer.dumps(call)),
        "origin": QUEUE_NAME,
        "description": "compress",
        "timeout": max(1, min(JOB_TIMEOUT_S, int(JOB_TIMEOUT_SHARE * wait_s))),
        "ttl": ttl_s,
        "result_ttl": result_ttl_s,
        "failure_ttl": result_ttl_s,
        "retries_left": MAX_RETRIES,
        "retry_intervals": "[0]",
        "enqueue_at_front_on_retry": 1,
        WORK_FIELD: count_work_px(request.pixels, request.options.format),
    }
    keys = [Job.key_for(job_id), record_key(job_id), input_key(job_id)]
    keys += [QUEUE_KEY, Queue.redis_queues_keys]
    # Not EVALSHA: Redis may have lost the script.
    return ("EVAL", ENQUEUE, len(keys), *keys, job_id, ttl_s, *chain.from_iterable(fields.items()))


def job_ttl_s(wait_s: float) -> int:
    """Return how long a job and its input stay in Redis when its client waits for ``wait_s``."""
    return int(wait_s) + JOB_TIMEOUT_S


def restore_job(job_id: str, fields: dict[bytes, bytes]) -> Job | None:
    """Return RQ's job from the fields of its hash, None if they are incomplete."""
    job = Job(job_id, connection=UNCONNECTED, serializer=JSONSerializer)
    try:
        job.restore(fields)
    except (NoSuchJobError, ValueError):
        return None
    return job
