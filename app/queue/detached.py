"""Jobs whose clients don't wait for the response (``Prefer: respond-async``)."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import ExitStack

from redis.exceptions import RedisError

from app.cancellation import end
from app.queue.client import QueueClient
from app.queue.jobs import Jobs
from app.results.cache import ResultCache
from app.results.identity import identify
from contract.errors import DeadlineError, FoveateError
from contract.messages import Options, Reply, Result

log = logging.getLogger(__name__)


class DetachedJobs:
    """The detached jobs of this front end; each holds its place in the front end until it ends.

    ``on_result`` gets each result, ``on_death`` a name when the handling of a job fails unexpectedly.
    When the front end stops, workers still run the jobs, but the results are not counted or cached.
    """

    def __init__(
        self,
        queue: QueueClient,
        cache: ResultCache,
        jobs: Jobs,
        *,
        deadline_s: float,
        on_result: Callable[[Result], None],
        on_death: Callable[[str], None],
    ) -> None:
        self._queue = queue
        self._cache = cache
        self._jobs = jobs
        self._deadline_s = deadline_s
        self._on_result = on_result
        self._on_death = on_death
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(
        self,
        data: bytes,
        pixels: int,
        options: Options,
        input_digest: bytes,
        place: ExitStack,
        *,
        may_store: bool,
        on_end: Callable[[str], None] | None = None,
    ) -> str:
        """Queue a photo and return its job's id; ``place`` is closed when the job has ended.

        ``on_end`` then gets the job's id.

        Raises:
            QueueUnavailableError: when Redis can't be reached or is full.
        """
        job_id, expected = await self._queue.start_job(data, pixels, options, self._deadline_s)
        held = place.pop_all()
        task = asyncio.create_task(
            self._wait_for_reply(
                job_id,
                expected,
                options,
                input_digest if may_store else None,
                held=held,
                on_end=on_end,
            ),
            name="detached job",
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job_id

    async def stop(self) -> None:
        """Stop waiting for the replies."""
        if self._tasks:
            await end(*self._tasks)

    async def _wait_for_reply(
        self,
        job_id: str,
        expected: "asyncio.Future[Reply]",
        options: Options,
        input_digest: bytes | None,
        *,
        held: ExitStack,
        on_end: Callable[[str], None] | None,
    ) -> None:
        with held:
            try:
                async with asyncio.timeout(self._deadline_s):
                    reply = await expected
                if isinstance(reply, Result):
                    self._on_result(reply)
                if isinstance(reply, Result) and input_digest is not None:
                    identity = identify(input_digest, options, reply.model_version)
                    await self._cache.keep(identity, reply)
            except TimeoutError:
                with contextlib.suppress(RedisError):
                    error = DeadlineError(f"No result within {self._deadline_s:g} s.")
                    await self._jobs.fail(job_id, error)
            except (FoveateError, RedisError):
                log.warning("job %s was lost", job_id, exc_info=True)
            except Exception:  # the worker still runs the job, and its result can be read
                log.exception("job %s could not be counted or cached", job_id)
                self._on_death("detached job")
            finally:
                self._queue.forget(job_id)
                if on_end:
                    on_end(job_id)
