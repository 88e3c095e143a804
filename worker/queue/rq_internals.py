"""All use of RQ's private attributes, and the scripts that write RQ's records.

Any version of RQ may change these without notice, so pyproject.toml pins the minor version.
``tests/worker/queue/test_rq_internals.py`` fails with another one, and
``tests/worker/queue/test_records.py`` compares the records with those of RQ's ``SimpleWorker``.
"""

from pathlib import Path
from typing import Final

from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.worker import SimpleWorker, WorkerStatus

SUPPORTED_RQ: Final = "3.0"

# RQ's own methods send some thirty commands for each job; with these scripts it is one for a batch.
# That saves 0.6 ms of CPU time per photo (bench/results/removed_records.json). Like RQ they don't run
# on a Redis cluster, since they use keys that are not among their arguments.
TAKE: Final = Path(__file__).with_name("take.lua").read_text("utf-8")
START: Final = Path(__file__).with_name("start.lua").read_text("utf-8")
FINISH: Final = Path(__file__).with_name("finish.lua").read_text("utf-8")


def mark_busy(worker: SimpleWorker) -> None:
    """Let a signal stop the worker after its open jobs; ``set_state`` would also write to Redis."""
    worker._state = WorkerStatus.BUSY  # noqa: SLF001


def drop_callbacks(job: Job) -> None:
    """Remove a job's callbacks: anyone who can write to Redis could name any function there.

    RQ has no public way to change the callbacks of a job that was read from Redis.
    """
    job._success_callback_name = job._failure_callback_name = None  # noqa: SLF001
    job.webhooks = []


def record_failure(
    worker: SimpleWorker, job: Job, queue: Queue, execution: Execution, error: BaseException
) -> None:
    """Record a job's failure as RQ does: with a retry if one is left.

    RQ's public methods do parts of this only. RQ logs an error of Redis in the last part, the
    transaction, and raises nothing.

    Raises:
        RedisError: when Redis can't be reached.
    """
    connection = worker.connection
    retry = connection.get_retry() or Retry(NoBackoff(), 1)
    # When the connection is cut, Redis may have executed RQ's transaction: a repeat would queue the
    # retry twice.
    connection.set_retry(Retry(NoBackoff(), 0))
    try:
        worker._finalize_failure(  # noqa: SLF001
            job, queue, execution, (type(error), error, error.__traceback__)
        )
    finally:
        connection.set_retry(retry)
