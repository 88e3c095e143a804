"""Names that both sides of the queue agree on: the RQ queue, its one job function, Redis keys.

Every key of ours starts with ``foveate:`` and is written with a time to live. RQ's keys start with
``rq:``; ``tests/contract/test_keys.py`` compares them with those of the installed RQ.
"""

from typing import Final

QUEUE_NAME: Final = "foveate"
# RQ's list of the ids of waiting jobs.
QUEUE_KEY: Final = f"rq:queue:{QUEUE_NAME}"

# Workers run jobs of this name only. Nothing is imported by it.
JOB_FUNCTION: Final = "worker.tasks.compress"

# How often a job is tried again after its worker died or failed. It then runs alone, because the
# job itself may have killed its worker.
MAX_RETRIES: Final = 2

# Field of a worker's RQ hash: the version that its results depend on beside input and options.
VERSION_FIELD: Final = "foveate_version"

# Cached results: a sorted set by time of expiry, and a hash of their sizes in bytes.
CACHE_ORDER_KEY: Final = "foveate:cache-order"
CACHE_SIZES_KEY: Final = "foveate:cache-sizes"

# A job's record is kept this many times as long as its pictures: the job can then be reported as
# expired instead of unknown.
RECORD_LIVES: Final = 2

# Written by whoever checks that Redis takes writes.
PROBE_KEY: Final = "foveate:writable"

# RQ's set of the keys of the queue's workers.
WORKERS_KEY: Final = f"rq:workers:{QUEUE_NAME}"
WORKER_KEY_PREFIX: Final = "rq:worker:"
# RQ's list of jobs that a worker has taken from the queue and not started yet.
INTERMEDIATE_KEY: Final = f"{QUEUE_KEY}:intermediate"


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
    """Return the key of a job's reply, as ``messages.encode_reply`` writes it."""
    return f"foveate:record:{job_id}"


def cache_key(identity: str) -> str:
    """Return the key of a cached result; ``identity`` names its input, options and version."""
    return f"foveate:cache:{identity}"


def reply_key(front_end_id: str) -> str:
    """Return the key of the list on which one front-end process waits for replies."""
    return f"foveate:replies:{front_end_id}"


def recovery_lock_key(worker_name: str) -> str:
    """Return the key of the lock under which a dead worker's jobs return to the queue."""
    return f"foveate:recovering:{worker_name}"


def worker_key(name: str) -> str:
    """Return the key of RQ's hash of a worker."""
    return f"{WORKER_KEY_PREFIX}{name}"


def worker_executions_key(name: str) -> str:
    """Return the key of RQ's set of what a worker runs, as ``job id:execution id``."""
    return f"{WORKER_KEY_PREFIX}{name}:executions"


def first_seen_key(job_id: str) -> str:
    """Return the key under which RQ's maintenance notes that a job is on the intermediate list."""
    return f"{INTERMEDIATE_KEY}:first_seen:{job_id}"
