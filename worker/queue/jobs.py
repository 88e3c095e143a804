"""Reads RQ's jobs as items of the pipeline, and describes their failures."""

import logging
import re

from redis import Redis
from rq.job import Job

from contract.errors import FoveateError, InternalError
from contract.intermediate import leave_intermediate
from contract.keys import INTERMEDIATE_KEY, JOB_FUNCTION, MAX_RETRIES, job_key
from contract.messages import Failure, Request
from contract.origin import REQUEST_ID, REQUEST_ID_FIELD, TRACEPARENT, TRACEPARENT_FIELD
from worker.item import Item

log = logging.getLogger(__name__)


def to_item(job: Job) -> Item:
    """Return the item of a job.

    Raises:
        ValueError: when the job names another function than ``JOB_FUNCTION``, or has no valid request.
    """
    if job.func_name != JOB_FUNCTION:
        raise ValueError(f"job function {job.func_name!r} is not on the allow-list")
    try:
        request = job.kwargs["request"]
    except KeyError as error:
        raise ValueError("the job has no request") from error
    started_unix_s = job.started_at.timestamp() if job.started_at else None
    return Item(
        job.id,
        Request.from_json(request),
        started_unix_s,
        request_id=read_origin(job, REQUEST_ID_FIELD, REQUEST_ID),
        traceparent=read_origin(job, TRACEPARENT_FIELD, TRACEPARENT),
    )


def read_origin(job: Job, name: str, pattern: re.Pattern[str]) -> str:
    """Return what the front end has noted of a job's request; "" if it is missing or malformed."""
    value = job.meta.get(name) if isinstance(job.meta, dict) else None
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def delete_unreadable(job_id: str, error: Exception, connection: Redis) -> None:
    """Delete a job that RQ can't read because of ``error``.

    Its front end then learns that Redis has lost the job.

    Raises:
        RedisError: when Redis can't be reached.
    """
    log.error("job %s can't be read; deleting it", job_id, exc_info=error)
    with connection.pipeline() as pipeline:
        leave_intermediate(job_id, pipeline)
        pipeline.delete(job_key(job_id))
        pipeline.execute()


def drop_id(raw_id: bytes, connection: Redis) -> None:
    """Take an id that is no text off the intermediate list: no job has it, and RQ can't read it.

    Raises:
        RedisError: when Redis can't be reached.
    """
    log.error("an id in the queue is no text; dropping it: %a", raw_id[:100])
    connection.lrem(INTERMEDIATE_KEY, 1, raw_id)  # type: ignore[arg-type]  # any bytes will do


def cost_px(job: Job) -> int:
    """Return a job's cost in pixels, 0 for a job that can't be run."""
    try:
        return to_item(job).cost_px
    except Exception:  # noqa: BLE001 - RQ raises several kinds for data that it can't read
        return 0


def is_retried(job: Job) -> bool:
    """Return whether an earlier run of this job failed or ended with its worker's death."""
    return job.retries_left is not None and job.retries_left < MAX_RETRIES


def describe_failure(item: Item, error: FoveateError) -> tuple[str, Failure]:
    """Return the id of the front end to reply to, and the reply."""
    failure = Failure(
        item.job_id,
        error.code,
        error.detail,
        batch_size=item.batch_size,
        submitted_unix_s=item.request.submitted_unix_s,
        started_unix_s=item.started_unix_s,
    )
    return item.request.reply_to, failure


def describe_defect(job: Job) -> tuple[str, Failure] | None:
    """Return the same for a job that the service could not do, None if it names no front end.

    The rest of its request may be invalid, as when the front end has another version.
    """
    try:
        reply_to = job.kwargs["request"]["reply_to"]
    except Exception:  # noqa: BLE001 - RQ raises several kinds for data that it can't read
        return None
    if not isinstance(reply_to, str):
        return None
    failure = Failure(
        job.id,
        InternalError.code,
        "The photo could not be compressed.",
        submitted_unix_s=job.created_at.timestamp() if job.created_at else None,
        started_unix_s=job.started_at.timestamp() if job.started_at else None,
    )
    return reply_to, failure
