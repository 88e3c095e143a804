"""One log line for each job that has ended, with the fields of the front end's line for its request."""

import logging
import time
from typing import Any

from worker.item import Item

log = logging.getLogger("worker.jobs")


def log_end(worker_name: str, item: Item) -> None:
    """Log how a job has ended; the line has nothing of the photo's content."""
    if not log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {
        "job_id": item.job_id,
        "worker": worker_name,
        "outcome": item.outcome,
        "bytes_in": item.request.original_bytes,
        "bytes_out": item.result.compressed_bytes if item.result else 0,
        "stages_ms": {name: round(ms, 1) for name, ms in item.stage_ms.items()},
    }
    if item.request_id:
        fields = {"request_id": item.request_id, **fields}
    if item.started_unix_s is not None:
        fields["duration_ms"] = round(1e3 * (time.time() - item.started_unix_s), 1)
    log.info("job", extra={"fields": fields})
