"""Names that both sides of the queue agree on: the RQ queue, its one job function, Redis keys.

Every key of ours starts with ``foveate:`` and is written with a time to live.
"""

from typing import Final

QUEUE_NAME: Final = "foveate"

# Jobs are dispatched by this name from an allow-list; RQ never imports what a job names.
JOB_FUNCTION: Final = "worker.tasks.compress"

# How often a job is tried again after its worker died or failed. A job that was
# running when its worker died may be what killed it, so it then runs alone.
MAX_RETRIES: Final = 2

# A worker's RQ hash says here what its results depend on beside input and options.
VERSION_FIELD: Final = "foveate_version"

# Which cached results there are, by when they expire, and how many bytes each takes.
CACHE_ORDER_KEY: Final = "foveate:cache-order"
CACHE_SIZES_KEY: Final = "foveate:cache-sizes"

# A job's record outlives its pictures by this factor, so that expired can be told from unknown.
RECORD_LIVES: Final = 2


def input_key(job_id: str) -> str:
    """Return the key of the uploaded bytes."""
    return f"foveate:in:{job_id}"


def image_key(job_id: str) -> str:
    """Return the key of the finished JPEG."""
    return f"foveate:image:{job_id}"


def heatmap_key(job_id: str) -> str:
    """Return the key of the finished heatmap."""
    return f"foveate:heatmap:{job_id}"


def record_key(job_id: str) -> str:
    """Return the key of what became of a job: its reply, as ``messages.encode_reply`` writes it."""
    return f"foveate:record:{job_id}"


def cache_key(identity: str) -> str:
    """Return the key of a cached result; ``identity`` names its input, options and version."""
    return f"foveate:cache:{identity}"


def reply_key(front_end_id: str) -> str:
    """Return the key of the list on which one front-end process waits for replies."""
    return f"foveate:replies:{front_end_id}"
