"""Jobs whose clients don't wait; each holds its place in the front end until it ends."""

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
    """The detached jobs of this front end.

    When it stops they run on, but are neither counted nor cached.
    """

    def __init__(
        self,
        queue: QueueClient,
        cache: ResultCache,
        jobs: Jobs,
        *,
        deadline_s: float,
        on_result: Callable[[Result], None],
    ) -> None:
        self._queue = queue
        self._cache = cache
        self._jobs = jobs
        self._deadline_s = deadline_s
        self._on_result = on_result
        self._attending: set[asyncio.Task[None]] = set()

    async def start(
        self,
        data: bytes,
        pixels: int,
        options: Options,
        input_digest: bytes,
        place: ExitStack,
        *,
        may_store: bool,
    ) -> str:
        """Queue a photo and return its job's id; ``place`` is closed when the job has ended.

        Raises:
            QueueUnavailableError: when Redis is gone or out of memory.
        """
        job_id, reply = await self._queue.start_job(data, pixels, options, self._deadline_s)
        held = place.pop_all()
        task = asyncio.create_task(
            self._attend(job_id, reply, options, input_digest if may_store else None, held),
            name="detached job",
        )
        self._attending.add(task)
        task.add_done_callback(self._attending.discard)
        return job_id

    async def stop(self) -> None:
        """Leave the jobs to their workers."""
        if self._attending:
            await end(*self._attending)

    async def _attend(
        self,
        job_id: str,
        reply: "asyncio.Future[Reply]",
        options: Options,
        input_digest: bytes | None,
        held: ExitStack,
    ) -> None:
        with held:
            try:
                async with asyncio.timeout(self._deadline_s):
                    response = await reply
                if isinstance(response, Result):
                    self._on_result(response)
                if isinstance(response, Result) and input_digest is not None:
                    identity = identify(input_digest, options, response.model_version)
                    await self._cache.keep(identity, response)
            except TimeoutError:
                with contextlib.suppress(RedisError):
                    late = DeadlineError(f"No result within {self._deadline_s:g} s.")
                    await self._jobs.fail(job_id, late)
            except (FoveateError, RedisError):
                log.warning("job %s was lost", job_id, exc_info=True)
            finally:
                self._queue.forget(job_id)
