"""Names and numbers that front end and worker share: the RQ queue, retries, Redis keys.

Our own keys start with ``foveate:`` and are written with a time to live. RQ's keys start with
``rq:``; ``tests/contract/test_keys.py`` compares them with those of the installed RQ.
"""

from collections.abc import Callable
from typing import Final

QUEUE_NAME: Final = "foveate"
# RQ's list of the ids of waiting jobs.
QUEUE_KEY: Final = f"rq:queue:{QUEUE_NAME}"

# Workers run only jobs with this function name. They compare the name; the module does not exist.
JOB_FUNCTION: Final = "worker.tasks.compress"

# How often a job is run again after its worker died or failed. A retried job runs alone, because it
# may have killed its worker.
MAX_RETRIES: Final = 2

# Field of a worker's RQ hash: the version of its results (``worker/version.py``).
VERSION_FIELD: Final = "foveate_version"
# Fields of a worker's RQ hash: the work that it does per second with all its threads, and on a photo
# that waits for no other, both in pixels (``contract.work``).
RATE_FIELD: Final = "foveate_px_per_s"
PHOTO_RATE_FIELD: Final = "foveate_photo_px_per_s"
# Field of a job's RQ hash: its work in pixels.
WORK_FIELD: Final = "foveate_work_px"

# Fields of a worker's RQ hash: the memory of its process and of its GPU, in bytes ("" if unknown or
# without a GPU), and how many jobs it holds.
MEMORY_FIELD: Final = "foveate_memory_bytes"
DEVICE_MEMORY_FIELD: Final = "foveate_device_memory_bytes"
OPEN_JOBS_FIELD: Final = "foveate_open_jobs"

# Hash of counts by all workers since Redis was emptied: starts, deaths, and jobs by their outcome.
TOTALS_KEY: Final = "foveate:totals"
TOTALS_TTL_S: Final = 7 * 86_400
STARTS_FIELD: Final = "starts"
DEATHS_FIELD: Final = "deaths"
JOBS_FIELD_PREFIX: Final = "jobs:"
# How a job ends in a worker; ``failed`` is the service's fault, and the job may run again.
OUTCOMES: Final = ("finished", "refused", "late", "withdrawn", "failed")

# The result cache: a sorted set of its entries by time of expiry, a hash of their sizes in bytes.
CACHE_ORDER_KEY: Final = "foveate:cache-order"
CACHE_SIZES_KEY: Final = "foveate:cache-sizes"

# A job's record lives longer than its pictures by this factor: a job without pictures is then reported
# as expired, not as unknown.
RECORD_TTL_FACTOR: Final = 2

# While a worker compiles the codec's kernels: how many of how many are compiled, as "34/92". Its time to
# live is longer than the largest of them takes.
COMPILING_KEY: Final = "foveate:compiling"
COMPILING_TTL_S: Final = 60

# The webhooks that are not delivered yet: a sorted set of their jobs' ids by the time when each is due.
WEBHOOKS_KEY: Final = "foveate:webhooks"

# Written to find out whether Redis accepts writes.
PROBE_KEY: Final = "foveate:writable"

# Returns the Redis key of an id: ``input_key("j1")`` is ``"foveate:in:j1"``.
KeyOf = Callable[[str], str]

# By job id: the upload, the finished JPEG, the finished heatmap, and the job's reply as
# ``messages.encode_reply`` writes it.
input_key: Final[KeyOf] = "foveate:in:{}".format
image_key: Final[KeyOf] = "foveate:image:{}".format
heatmap_key: Final[KeyOf] = "foveate:heatmap:{}".format
record_key: Final[KeyOf] = "foveate:record:{}".format
# By identity of a result (``app/results/identity.py``): the cached result.
cache_key: Final[KeyOf] = "foveate:cache:{}".format
# By id of a front-end process: the list on which it waits for replies.
reply_key: Final[KeyOf] = "foveate:replies:{}".format

# By job id: the webhook that tells its end.
webhook_key: Final[KeyOf] = "foveate:webhook:{}".format
# By digest of an API key: its uploads in progress, and when all that it has sent is forgotten.
key_uploads_key: Final[KeyOf] = "foveate:key-uploads:{}".format
key_rate_key: Final[KeyOf] = "foveate:key-rate:{}".format

# RQ's set of the keys of the queue's workers.
WORKERS_KEY: Final = f"rq:workers:{QUEUE_NAME}"
WORKER_KEY_PREFIX: Final = "rq:worker:"
# RQ's list of jobs that a worker has taken from the queue and not started yet.
INTERMEDIATE_KEY: Final = f"{QUEUE_KEY}:intermediate"
# RQ's sorted set of the jobs that run, as ``job id:execution id``.
STARTED_KEY: Final = f"rq:wip:{QUEUE_NAME}"
# By name of a worker: RQ's hash of it, and the set of what it runs as ``job id:execution id``.
worker_key: Final[KeyOf] = f"{WORKER_KEY_PREFIX}{{}}".format
worker_executions_key: Final[KeyOf] = f"{WORKER_KEY_PREFIX}{{}}:executions".format
# By job id: RQ's hash of it.
job_key: Final[KeyOf] = "rq:job:{}".format
# By job id: the note of RQ's maintenance that it has seen the job on the intermediate list.
first_seen_key: Final[KeyOf] = f"{INTERMEDIATE_KEY}:first_seen:{{}}".format
