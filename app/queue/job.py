"""The state of one job: from RQ's job until it has ended, from its reply afterwards."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from rq.exceptions import DeserializationError
from rq.job import Job as RqJob
from rq.job import JobStatus

from contract.errors import FoveateError, GoneJobError, InternalError
from contract.messages import Failure, Reply, Request

log = logging.getLogger(__name__)

State = Literal["queued", "started", "finished", "failed"]

COULD_NOT_COMPRESS: Final = InternalError("The photo could not be compressed.")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its client sees it.

    ``position`` is 1 for the next job, None once the job has left the queue. ``reply`` is set once
    the job has ended.
    """

    job_id: str
    state: State
    position: int | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    reply: Reply | None = None


def describe_unfinished(job_id: str, job: RqJob | None, index: int | None) -> Job:
    """Return a job without a record from RQ's job; ``index`` is its place in the queue, from 0.

    Raises:
        GoneJobError: when RQ's job has ended, too.
    """
    status = job.get_status(refresh=False) if job is not None else None
    if job is None or status == JobStatus.FINISHED:
        # It ended after its deadline, or its record has expired.
        raise GoneJobError("The job has ended and its record has expired.")
    if status == JobStatus.FAILED:
        return describe_ended(job_id, to_failure(job_id, job, COULD_NOT_COMPRESS))
    started = status == JobStatus.STARTED
    return Job(
        job_id,
        "started" if started else "queued",
        # A job that a worker has taken but not started is in no list; it counts as the next one.
        None if started else (index or 0) + 1,
        job.created_at,
        job.started_at if started else None,
    )


def describe_ended(job_id: str, reply: Reply) -> Job:
    """Return a job that has ended with ``reply``."""
    submitted_at, started_at = (
        None if unix_s is None else datetime.fromtimestamp(unix_s, UTC)
        for unix_s in (reply.submitted_unix_s, reply.started_unix_s)
    )
    state: State = "failed" if isinstance(reply, Failure) else "finished"
    return Job(job_id, state, None, submitted_at, started_at, reply)


def to_failure(job_id: str, job: RqJob | None, error: FoveateError) -> Failure:
    """Return the failure of a job by ``error``, with its times if ``job`` still exists."""
    submitted_unix_s, started_unix_s = (
        moment.timestamp() if moment else None
        for moment in ((job.created_at, job.started_at) if job else (None, None))
    )
    return Failure(
        job_id,
        error.code,
        error.detail,
        submitted_unix_s=submitted_unix_s,
        started_unix_s=started_unix_s,
    )


def read_request(job: RqJob | None) -> Request | None:
    """Return the request that a job carries, None without a valid one."""
    try:
        return Request.from_json(job.kwargs["request"]) if job is not None else None
    except (DeserializationError, KeyError, TypeError, ValueError):
        log.exception("a job carries no valid request")
        return None
