"""Reads RQ's jobs as items of the pipeline, and describes their failures."""

from rq.job import Job

from contract.errors import FoveateError
from contract.keys import JOB_FUNCTION, MAX_RETRIES
from contract.messages import Failure, Request
from worker.item import Item


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
    return Item(job.id, Request.from_json(request), started_unix_s)


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
