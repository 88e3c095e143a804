"""An RQ worker that runs many jobs at once, in stages that overlap.

RQ's own loop pops the first job; this worker goes on to claim what waits while earlier ones are
under way, and hands back to RQ's loop when nothing is open. Each job ends on its own, with the
statuses, results, registries and retries of RQ's ``SimpleWorker``.
"""

import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import OutOfMemoryError, RedisError
from rq.job import Job
from rq.queue import Queue
from rq.worker import WorkerStatus

from contract.errors import ClientError, InternalError
from contract.keys import JOB_FUNCTION, MAX_RETRIES
from contract.messages import Failure, Request
from worker.item import Item
from worker.pipeline import Pipeline
from worker.queue.records import Claim, disarm, leave_intermediate, take
from worker.queue.resilient_worker import SteadyWorker
from worker.queue.scripts import choose_bookkeeping
from worker.replies import UNAVAILABLE, send_failures

log = logging.getLogger(__name__)

# How often a busy worker looks for more jobs: less often, the longer there were none, and the longer
# a pass takes; what comes while one runs is in time for the next.
SHORTEST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.02
PAUSE_SHARE = 0.125  # of the last pass
MOST_PAUSE_S = 0.1
# RQ's records of jobs that have ended well are written together for this long: who waits for them
# has had the reply.
RECORDS_PAUSE_S = 0.2
# RQ's loop gets its turn this often, for its maintenance, suspension and orders to stop.
TURN_S = 15.0
# What this process ends with when work in it hangs: os.EX_SOFTWARE.
HUNG = 70


class BatchWorker(SteadyWorker):
    """Serves exactly one queue: only then RQ moves jobs through its intermediate list."""

    def __init__(
        self,
        queue: Queue,
        pipeline: Pipeline,
        *,
        result_ttl_s: int,
        version: str = "",
        **options: Any,
    ) -> None:
        super().__init__([queue], default_result_ttl=result_ttl_s, **options)
        self.result_version = version
        self._pipeline = pipeline
        self._records = choose_bookkeeping(self)
        self._result_ttl_s = result_ttl_s
        self._popped: list[Job] = []
        self._open: dict[str, Claim] = {}
        self._ended: list[Item] = []
        self._record_at_s = 0.0
        # No more is claimed until something has ended: what was put back would come again.
        self._full = False
        self._pause_s = SHORTEST_PAUSE_S
        self._claim_at_s = 0.0

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run ``job`` and what waits behind it, until nothing is open."""
        # A signal now stops the claiming, and nothing in the middle of a step.
        self._state = WorkerStatus.BUSY
        alone = is_retried(job)
        turn_ends_s = time.monotonic() + TURN_S
        self._popped.append(job)
        self._full = False
        self._claim_at_s = 0.0
        try:
            while self._popped or self._open or self._ended:
                may_claim = not (alone or self._stop_requested or time.monotonic() > turn_ends_s)
                self.outlast(lambda: self._move_on(queue, claim=may_claim))  # noqa: B023
                self._exit_if_hung()
        except BaseException:
            self._give_back(queue)
            raise
        self.outlast(lambda: self.set_state(WorkerStatus.IDLE))

    def _move_on(self, queue: Queue, *, claim: bool) -> None:
        """Do what can be done now; raises RedisError with nothing lost."""
        try:
            self._take_in(queue, claim=claim)
        except OutOfMemoryError:
            # What is under way goes on: it makes room as it ends.
            if not (self._open or self._ended):
                raise
        # Where there is no room, what makes some ends the wait.
        ended = self._pipeline.step(self._pause_s if self._pipeline.room() else MOST_PAUSE_S)
        if ended:
            if not self._ended:
                self._record_at_s = time.monotonic() + RECORDS_PAUSE_S
            self._ended += ended
            self._full = False
        if self._ended and self._may_end():
            self._end(queue)
        self.beat()

    def _take_in(self, queue: Queue, *, claim: bool) -> None:
        """Let what was popped begin, and what waits if it is time to look for that."""
        if self._popped:
            self._start(queue)
        now_s = time.monotonic()
        if claim and not self._full and now_s >= self._claim_at_s and self._pipeline.room():
            found = self._claim(queue)
            pass_s = self._pipeline.last_pass_s() if self._open else 0.0
            self._pause_s = next_pause_s(self._pause_s, pass_s, found=found)
            self._claim_at_s = now_s + self._pause_s

    def _may_end(self) -> bool:
        """Return whether to end now what has ended, rather than with what ends next."""
        return (
            len(self._ended) == len(self._open)
            or any(item.error or not item.open for item in self._ended)
            or time.monotonic() >= self._record_at_s
        )

    def _exit_if_hung(self) -> None:
        """End this process when a thread has been at one piece of work for longer than a job may take.

        Nothing else ends a call that hangs in native code. Whoever finds this worker dead puts its
        jobs back, to be run alone.
        """
        limits_s = [claim.job.timeout or Queue.DEFAULT_TIMEOUT for claim in self._open.values()]
        if limits_s and self._pipeline.longest_s() > min(limits_s):
            log.critical("work hangs; ending this worker with %d jobs", len(self._open))
            os._exit(HUNG)

    def _claim(self, queue: Queue) -> bool:
        """Take what waits, moved as RQ moves the first job, as far as there is room.

        Return whether anything was waiting.
        """
        taken = take(self.connection, queue, self._pipeline.room())
        job_ids = [job_id for job_id, _ in taken]
        cost_px = 0
        for number, (job_id, job) in enumerate(taken):
            if job is None:  # withdrawn, or expired while it waited
                with self.connection.pipeline() as pipeline:
                    leave_intermediate(queue, job_id, pipeline)
                    pipeline.execute()
                continue
            cost_px += cost_of(job)
            # Run beside others a retried one would take them along, and one retry of each.
            if is_retried(job) or not self._pipeline.fits(cost_px):
                self._put_back(queue, job_ids[number:])
                break
            job.redis_server_version = queue.get_redis_server_version()
            self._popped.append(job)
        if self._popped:
            self._start(queue)
        return bool(taken)

    def _put_back(self, queue: Queue, job_ids: Sequence[str]) -> None:
        """Return jobs to the front of the queue, in their order."""
        self._full = True
        with self.connection.pipeline() as pipeline:
            for job_id in reversed(job_ids):
                leave_intermediate(queue, job_id, pipeline)
                queue.push_job_id(job_id, pipeline=pipeline, at_front=True)
            pipeline.execute()

    def _start(self, queue: Queue) -> None:
        """Let popped jobs begin."""
        self._drop_doubles(queue)
        if not self._popped:
            return
        # Registered before anything runs: whoever finds this worker dead can tell what it held.
        claims = self._records.register(queue, self._popped)
        self._popped.clear()
        for claim in claims:
            disarm(claim.job)
            try:
                item = to_item(claim.job)
            except Exception:  # noqa: BLE001
                self._finalize_failure(claim.job, queue, claim.execution, sys.exc_info())
            else:
                self._open[item.job_id] = claim
                self._pipeline.put([item], under_way=self._records.under_way)

    def _drop_doubles(self, queue: Queue) -> None:
        """Let go of popped jobs that are under way here already.

        A front end whose connection was cut asks again, and then a job is queued twice. Begun twice,
        the two would be told apart by nothing, and one of RQ's records of them would stay.
        """
        fresh: dict[str, Job] = {}
        for job in self._popped:
            if job.id in self._open or job.id in fresh:
                queue.intermediate_queue.remove(job.id)
            else:
                fresh[job.id] = job
        self._popped = list(fresh.values())

    def _end(self, queue: Queue) -> None:
        """Announce errors, and let RQ record how the ended items' jobs went."""
        client_errors: list[tuple[str, Failure]] = []
        finished: list[tuple[Claim, dict[str, Any]]] = []
        failed: list[Item] = []
        for item in self._ended:
            claim = self._open.get(item.job_id)
            if claim is None:
                continue
            if isinstance(item.error, ClientError):
                client_errors.append(announcement(item, item.error.code, item.error.detail))
                finished.append((claim, {"error": item.error.code}))
            elif item.open:
                finished.append((claim, {"ok": True}))
            elif not self.connection.exists(claim.job.key):
                # Of a Redis that was emptied: RQ would make half a job of it.
                self._records.forget(claim)
            elif item.withdrawn:
                finished.append((claim, {"withdrawn": True}))
            else:
                failed.append(item)
        if client_errors:
            send_failures(self.connection, client_errors, self._result_ttl_s)
        self._finish(queue, finished)
        for item in failed:
            assert item.error is not None
            self._fail(queue, self._open[item.job_id], item.error)
            # One by one: what comes through in the middle must not end these again.
            del self._open[item.job_id]
        for item in self._ended:
            self._open.pop(item.job_id, None)
        self._ended.clear()

    def _finish(self, queue: Queue, finished: Sequence[tuple[Claim, dict[str, Any]]]) -> None:
        try:
            self._records.finish(queue, finished)
        except UNAVAILABLE:
            raise
        except Exception:
            # Which one can't be recorded can't be told; alone, each answers for itself.
            log.exception("%d jobs could not be ended together", len(finished))
            for claim, value in finished:
                try:
                    self._finalize_success(claim.job, queue, claim.execution, value)
                except Exception:  # noqa: BLE001
                    self._finalize_failure(claim.job, queue, claim.execution, sys.exc_info())
        for claim, _ in finished:
            self._open.pop(claim.job.id, None)

    def _fail(self, queue: Queue, claim: Claim, error: BaseException) -> None:
        """End a job in a defect of ours: RQ tries it again while it may."""
        last_try = not claim.job.should_retry
        self._finalize_failure(
            claim.job, queue, claim.execution, (type(error), error, error.__traceback__)
        )
        if last_try:
            reason = "The photo could not be compressed."
            failure = announcement(to_item(claim.job), InternalError.code, reason)
            send_failures(self.connection, [failure], self._result_ttl_s)

    def _give_back(self, queue: Queue) -> None:
        """Let others run what is open: this worker ends at once, and with it RQ's list of them."""
        error = sys.exception()
        try:
            while self._open:
                job_id, claim = next(iter(self._open.items()))
                self._fail(queue, claim, error or RuntimeError("the worker ended"))
                del self._open[job_id]
        except RedisError:
            log.warning("%d jobs could not be given back", len(self._open))
            self._open.clear()


def next_pause_s(pause_s: float, pass_s: float, *, found: bool) -> float:
    """Return how long to look for no more jobs, after a pause and a pass (0 when there was none)."""
    share_s = PAUSE_SHARE * pass_s
    if found:
        return min(max(SHORTEST_PAUSE_S, share_s), MOST_PAUSE_S)
    return min(2 * pause_s, max(LONGEST_PAUSE_S, share_s), MOST_PAUSE_S)


def announcement(item: Item, code: str, detail: str) -> tuple[str, Failure]:
    """Return whom to tell of an item's failure, and what."""
    return item.request.reply_to, Failure(item.job_id, code, detail, batch_size=item.batch_size)


def to_item(job: Job) -> Item:
    """Return the pipeline's view of a job.

    Raises:
        ValueError: when the job names another function than ours, or carries no request.
    """
    if job.func_name != JOB_FUNCTION:
        raise ValueError(f"job function {job.func_name!r} is not on the allow-list")
    return Item(job.id, Request.from_json(job.kwargs["request"]))


def cost_of(job: Job) -> int:
    """Return a job's cost in pixels; 0 for one that won't be run."""
    try:
        return to_item(job).cost_px
    except Exception:  # noqa: BLE001
        return 0


def is_retried(job: Job) -> bool:
    """Return whether a worker has failed at this job, or died with it."""
    return job.retries_left is not None and job.retries_left < MAX_RETRIES
