"""An RQ worker that keeps working when Redis is unavailable, full or emptied."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import FrameType
from typing import Any, Final, cast

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.utils import now
from rq.worker import SimpleWorker
from rq.worker_registration import register as register_worker

from contract.keys import STARTS_FIELD, WORKERS_KEY
from worker.console import say
from worker.queue.jobs import delete_unreadable, drop_id
from worker.queue.totals import Totals
from worker.replies import UNAVAILABLE

log = logging.getLogger(__name__)

# Heartbeats are at least so far apart.
HEARTBEAT_INTERVAL_S: Final = 1.0
OUTAGE_PAUSE_S: Final = 0.2
# A worker that was told to stop waits at most this long for an unavailable Redis.
STOP_PATIENCE_S: Final = 10.0


class ResilientWorker(SimpleWorker):
    """Sends heartbeats while it works, registers again after Redis was emptied, waits for Redis."""

    # RQ's default is a minute between two attempts to reach Redis.
    max_connection_wait_time = 1.0

    stopping = False
    """Whether this worker was told to stop."""

    _last_beat_s = 0.0
    _outage_since_s: float | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.totals = Totals()
        self.totals.count(STARTS_FIELD)

    def register_birth(self) -> None:
        """Register with RQ, with this worker's own fields."""
        super().register_birth()  # type: ignore[no-untyped-call]
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.hset(self.key, mapping=self.describe())
            self._send_totals(pipeline)

    def register_death(self) -> None:
        """Send the last counts, and leave RQ's list."""
        with self.connection.pipeline(transaction=False) as pipeline:
            self._send_totals(pipeline)
        super().register_death()  # type: ignore[no-untyped-call]

    def _send_totals(self, pipeline: Pipeline) -> list[Any]:
        """Execute ``pipeline`` with the counts since the last call; return its replies without theirs."""
        wanted = len(pipeline)
        self.totals.add_to(pipeline)
        replies = pipeline.execute()
        self.totals.clear()
        return replies[:wanted]

    def describe(self) -> dict[Any, Any]:
        """Return the fields that front ends read from RQ's hash of this worker."""
        return {}

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Claim no more jobs and finish the open ones; RQ calls this on SIGTERM and SIGINT."""
        self.stopping = True
        say(f"worker {self.name} draining")
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Send a heartbeat if one is due; register again when Redis was emptied.

        RQ's loop calls this four times for each job, and Redis is asked in one round trip.
        """
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if not self._is_beat_due():
            return
        with self.connection.pipeline(transaction=False) as beat:
            super().heartbeat(timeout, beat)
            beat.hset(self.key, mapping=self.describe())
            beat.sismember(WORKERS_KEY, self.key)
            *_, is_listed = self._send_totals(beat)
        self._last_beat_s = time.monotonic()
        self._watch_commands()
        if not is_listed:
            log.warning("Redis no longer lists this worker; registering again")
            with self.connection.pipeline() as again:
                again.hset(self.key, mapping={**self.serialize(), **self.describe()})
                again.hdel(self.key, "death")
                self.set_state(self.get_state(), pipeline=again)
                register_worker(self, again)
                again.expire(self.key, timeout or self.worker_ttl + 60)
                again.execute()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Take a job from the queue; delete those that RQ can't read, which would end its loop."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except RedisError:
                raise
            except Exception as error:
                if job_id := getattr(error, "job_id", ""):
                    delete_unreadable(job_id, error, self.connection)
                elif isinstance(error, UnicodeDecodeError):
                    drop_id(error.object, self.connection)
                else:
                    raise

    def run_maintenance_tasks(self) -> None:
        """Clean RQ's registries; a record that RQ can't read must not end its loop."""
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except RedisError:
            raise
        except Exception:
            log.exception("RQ's maintenance failed")
            self.last_cleaned_at = now()  # type: ignore[assignment]

    def set_shutdown_requested_date(self) -> None:
        """Record the request to stop; it is valid without the record when Redis is unavailable."""
        with suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def retry_while_unavailable(self, work: Callable[[], object]) -> None:
        """Call ``work``; if Redis is unavailable or full, pause and return. Call this again then.

        Raises:
            RedisError: when this worker was told to stop and Redis has been unavailable for
                ``STOP_PATIENCE_S``.
        """
        try:
            work()
            self._outage_since_s = None
        except UNAVAILABLE as error:
            now_s = time.monotonic()
            if self._outage_since_s is None:
                self._outage_since_s = now_s
                log.warning("waiting for Redis: %s", error)
            if self.stopping and now_s - self._outage_since_s > STOP_PATIENCE_S:
                raise
            time.sleep(OUTAGE_PAUSE_S)

    def _watch_commands(self) -> None:
        """Start RQ's thread for commands again if it has died."""
        thread = cast("Thread | None", self.pubsub_thread)
        if thread is not None and not thread.is_alive():
            log.error("the thread that listens for commands died; starting it again")
            self.subscribe()  # type: ignore[no-untyped-call]

    def _is_beat_due(self) -> bool:
        return time.monotonic() - self._last_beat_s >= HEARTBEAT_INTERVAL_S
