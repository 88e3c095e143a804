"""RQ's records of many jobs at once, by one script for their beginning and one for their end.

RQ's own methods, as ``worker.queue.records`` calls them, take some thirty commands for each job. These
scripts write what those of RQ 3.0.0 do, and stand aside for any other version;
``tests/worker/queue/test_batch_worker.py`` holds both ways to what ``SimpleWorker`` leaves behind. Like RQ they
need one Redis and no cluster: they name keys that they were not given.
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.utils import current_timestamp, now, utcformat
from rq.version import VERSION
from rq.worker import SimpleWorker, WorkerStatus

from worker.queue.records import Bookkeeping, Claim, is_plain

KNOWN_RQ_VERSIONS: Final = frozenset({"3.0.0"})

# KEYS: worker, its executions, started registry, intermediate list. ARGV: the worker's name, its
# time to live in s, now as RQ formats it, as a float and in whole s; then for each job its id, its
# execution's id, and the execution's time to live in s. Returns how many jobs run now.
# The first command takes memory: a Redis that is full refuses the script before anything is written.
START: Final = """
local worker, executions, started, intermediate = unpack(KEYS)
local name, worker_ttl, now, now_s, whole_s = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
redis.call('HSET', worker, 'last_heartbeat', now, 'state', 'busy')
for i = 6, #ARGV, 3 do
  local id, execution, ttl = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local both = id .. ':' .. execution
  redis.call('HSET', 'rq:execution:' .. both, 'id', execution, 'job_id', id, 'created_at', now_s,
    'last_heartbeat', now_s, 'worker_name', name)
  redis.call('EXPIRE', 'rq:execution:' .. both, ttl)
  redis.call('ZADD', 'rq:executions:' .. id, whole_s + ttl + 60, execution)
  redis.call('EXPIRE', 'rq:executions:' .. id, ttl + 60)
  redis.call('ZADD', started, whole_s + ttl, both)
  redis.call('SADD', executions, both)
  redis.call('HSET', 'rq:job:' .. id, 'last_heartbeat', now, 'status', 'started', 'started_at', now,
    'worker_name', name)
  redis.call('PERSIST', 'rq:job:' .. id)
  redis.call('LREM', intermediate, 1, id)
  redis.call('DEL', intermediate .. ':first_seen:' .. id)
end
redis.call('EXPIRE', worker, worker_ttl)
redis.call('EXPIRE', executions, worker_ttl)
return redis.call('ZCOUNT', started, whole_s, '+inf')
"""

# KEYS: worker, its executions, started and finished registry, intermediate list. ARGV: the worker's
# name, now as RQ formats it, as a float and in whole s, seconds worked; then for each job its id, its
# execution's id, when that began, its value, and how long it is kept in s. Returns the ids of jobs
# that others wait for.
# What goes is deleted first: a script that has begun may write on in a Redis that is full.
FINISH: Final = """
local worker, executions, started, finished, intermediate = unpack(KEYS)
local name, now, now_s, whole_s, worked_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local awaited, count = {}, 0
for i = 6, #ARGV, 5 do
  local id, execution, began_s, value, ttl = unpack(ARGV, i, i + 4)
  local both, job, results = id .. ':' .. execution, 'rq:job:' .. id, 'rq:results:' .. id
  -- RQ's maintenance may have marked the job at the very moment that it left the list.
  redis.call('DEL', 'rq:execution:' .. both, intermediate .. ':first_seen:' .. id)
  redis.call('ZREM', started, both)
  redis.call('ZREM', 'rq:executions:' .. id, execution)
  redis.call('SREM', executions, both)
  -- Of a Redis that was emptied nothing is to come back.
  if redis.call('EXISTS', job) == 1 then
    count = count + 1
    redis.call('HSET', job, 'status', 'finished', 'last_heartbeat', now, 'ended_at', now,
      'success_callback_name', '', 'failure_callback_name', '')
    redis.call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '1', 'worker_name', name,
      'return_value', value, 'execution_id', execution, 'execution_started_at', began_s,
      'execution_ended_at', now_s)
    redis.call('EXPIRE', results, ttl)
    redis.call('ZADD', finished, whole_s + ttl, id)
    redis.call('EXPIRE', job, ttl)
    redis.call('EXPIRE', job .. ':dependents', ttl)
    redis.call('EXPIRE', 'rq:job::' .. id .. ':dependencies', ttl)
    if redis.call('EXISTS', job .. ':dependents') == 1 then awaited[#awaited + 1] = id end
  end
end
if count > 0 then
  redis.call('HINCRBY', worker, 'successful_job_count', count)
  redis.call('HINCRBYFLOAT', worker, 'total_working_time', worked_s)
end
return awaited
"""


class ScriptedBookkeeping(Bookkeeping):
    """Begins and ends jobs by a script each, where nothing but RQ's records is to be done."""

    def __init__(self, worker: SimpleWorker) -> None:
        super().__init__(worker)
        self._start = worker.connection.register_script(START)
        self._finish = worker.connection.register_script(FINISH)

    def register(self, queue: Queue, jobs: Sequence[Job]) -> list[Claim]:
        """Record that the worker runs ``jobs``.

        Raises:
            RedisError: when Redis can't be reached or is full; then nothing is recorded.
        """
        worker, moment = self.worker, now()
        claims = []
        arguments: list[Any] = []
        ttls_s = [worker.get_heartbeat_ttl(job) for job in jobs]
        for job, ttl_s in zip(jobs, ttls_s, strict=True):
            execution = Execution(uuid4().hex, job.id, worker.connection, worker.name)
            execution.created_at = execution.last_heartbeat = moment
            claims.append(Claim(job, execution))
            arguments += [job.id, execution.id, ttl_s]
        self.under_way = self._start(
            keys=[
                *(worker.key, worker.executions_key),
                *(queue.started_job_registry.key, queue.intermediate_queue_key),
            ],
            args=[
                *(worker.name, max(ttls_s)),
                *(utcformat(moment), moment.timestamp(), current_timestamp()),
                *arguments,
            ],
        )
        worker.executions.update({claim.execution.id: claim.execution for claim in claims})
        worker.last_heartbeat = moment
        worker._state = WorkerStatus.BUSY  # noqa: SLF001
        for job in jobs:
            job.worker_name = worker.name
            job.started_at = job.last_heartbeat = moment
            job._status = JobStatus.STARTED  # noqa: SLF001
        return claims

    def _finish_plain(self, queue: Queue, finished: Sequence[tuple[Claim, dict[str, Any]]]) -> None:
        worker, moment = self.worker, now()
        arguments: list[Any] = []
        worked_s = 0.0
        for claim, value in finished:
            job, execution = claim.job, claim.execution
            job.ended_at = job.last_heartbeat = moment
            assert job.started_at is not None
            worked_s += (moment - job.started_at).total_seconds()
            arguments += [
                *(job.id, execution.id, execution.created_at.timestamp()),
                b64encode(job.serializer.dumps(value)),
                job.get_result_ttl(worker.default_result_ttl),
            ]
        awaited = self._finish(
            keys=[
                *(worker.key, worker.executions_key),
                *(queue.started_job_registry.key, queue.finished_job_registry.key),
                queue.intermediate_queue_key,
            ],
            args=[
                worker.name,
                *(utcformat(moment), moment.timestamp(), current_timestamp()),
                *(worked_s, *arguments),
            ],
        )
        for claim, _ in finished:
            worker.executions.pop(claim.execution.id, None)
            claim.job._status = JobStatus.FINISHED  # noqa: SLF001
        self._let_follow(
            queue, [claim for claim, _ in finished if claim.job.id.encode() in awaited]
        )

    def _is_plain(self, job: Job) -> bool:
        # A result that isn't kept, or for ever, is told of in other commands.
        return is_plain(job) and (job.get_result_ttl(self.worker.default_result_ttl) or 0) > 0


def choose_bookkeeping(worker: SimpleWorker) -> Bookkeeping:
    """Return the scripts where this is an RQ that they know, else RQ's own methods."""
    return ScriptedBookkeeping(worker) if VERSION in KNOWN_RQ_VERSIONS else Bookkeeping(worker)
