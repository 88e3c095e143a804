"""Submits jobs to the queue, waits for their results, and withdraws them."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final, cast

from redis.exceptions import RedisError
from rq.job import Job

from app.queue.replies import Replies
from app.queue.rq_jobs import add_job, job_ttl_s
from app.redis import connect
from app.results.result import Finished
from contract.errors import DeadlineError, FoveateError, InternalError, QueueUnavailableError
from contract.keys import QUEUE_KEY, heatmap_key, image_key, input_key, record_key
from contract.messages import Failure, Options, Reply, Request, Result

log = logging.getLogger(__name__)

# Anyone who knows a job's id may read its pictures, so an id has 144 random bits.
ID_BYTES: Final = 18


class QueueClient:
    """The queue as one front end uses it.

    ``on_reply`` gets every reply of a worker. ``on_death`` gets the name of the task that reads
    replies each time it dies. Results are kept for ``result_ttl_s``.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        result_ttl_s: int,
        on_reply: Callable[[Reply], None],
        on_death: Callable[[str], None],
    ) -> None:
        self.redis = connect(redis_url)
        self._result_ttl_s = result_ttl_s
        # The replies that clients wait for.
        self._awaited: set[asyncio.Future[Reply]] = set()
        self._replies = Replies(
            redis_url, self.redis, on_reply=on_reply, on_death=on_death, discard=self._discard
        )
        self.reader = self._replies.reader

    def start(self) -> None:
        """Begin to read replies."""
        self._replies.start()

    async def stop(self) -> None:
        """Stop reading replies and close the connections."""
        await self._replies.stop()
        await self.redis.aclose()

    async def run_job(
        self,
        data: bytes,
        pixels: int,
        options: Options,
        timeout_s: float,
        *,
        take: Callable[[Result], Awaitable[Finished | None]] | None = None,
    ) -> Finished:
        """Compress one photo of ``pixels`` pixels and return it.

        ``take`` may claim the result; otherwise it is deleted. Cancelling withdraws the job.

        Raises:
            FoveateError: when the worker reports an error.
            DeadlineError: when there is no result after ``timeout_s``.
            QueueUnavailableError: when Redis can't be reached or is full.
        """
        job_id = secrets.token_urlsafe(ID_BYTES)
        expected = self._replies.expect(job_id)
        self._awaited.add(expected)
        done = False
        try:
            try:
                await self._submit(job_id, data, pixels, options, timeout_s)
                async with asyncio.timeout(timeout_s):
                    reply = await expected
            except TimeoutError as error:
                raise DeadlineError(f"No result within {timeout_s:g} s.") from error
            if isinstance(reply, Failure):
                done = True
                await self.redis.delete(record_key(job_id))
                raise reply.to_error()
            finished = await take(reply) if take else None
            if finished is None:
                finished = await self._fetch(reply)
            done = True
            return finished
        except RedisError as error:
            raise QueueUnavailableError("The queue can't accept or return photos now.") from error
        finally:
            self.forget(job_id)
            self._awaited.discard(expected)
            if not done:
                await asyncio.shield(asyncio.ensure_future(self.withdraw(job_id)))

    async def start_job(
        self, data: bytes, pixels: int, options: Options, timeout_s: float
    ) -> tuple[str, "asyncio.Future[Reply]"]:
        """Queue a job that nobody has to wait for; return its id and its future reply.

        Call ``forget`` when the reply has arrived or is no longer wanted.

        Raises:
            QueueUnavailableError: when Redis can't be reached or is full; the job is withdrawn.
        """
        job_id = secrets.token_urlsafe(ID_BYTES)
        expected = self._replies.expect(job_id)
        queued = False
        try:
            await self._submit(job_id, data, pixels, options, timeout_s)
            queued = True
        except RedisError as error:
            raise QueueUnavailableError("The queue can't accept photos now.") from error
        finally:
            if not queued:
                self.forget(job_id)
                await asyncio.shield(asyncio.ensure_future(self.withdraw(job_id)))
        return job_id, expected

    def forget(self, job_id: str) -> None:
        """Stop expecting a reply to a job."""
        self._replies.forget(job_id)

    async def length(self) -> int:
        """Return the number of waiting jobs.

        Raises:
            RedisError: when Redis can't be reached.
        """
        return await self.redis.llen(QUEUE_KEY)

    def fail_awaited(self, error: FoveateError) -> None:
        """End every `run_job` that waits for its reply with ``error``."""
        for expected in self._awaited:
            if not expected.done():
                expected.set_exception(error)

    async def withdraw(self, job_id: str) -> None:
        """Delete a job's input and pictures, and take the job off the queue if it still waits.

        A worker that has started the job finds no input and ends it. A job whose submission was
        interrupted may still arrive in Redis; its reply is then discarded.
        """
        try:
            async with self.redis.pipeline(transaction=True) as pipeline:
                pipeline.delete(input_key(job_id), image_key(job_id), heatmap_key(job_id))
                pipeline.lrem(QUEUE_KEY, 1, job_id)
                _, waiting = await pipeline.execute()
            if waiting:
                await self.redis.delete(Job.key_for(job_id))
        except RedisError:
            log.warning("job %s could not be withdrawn; its keys will expire", job_id)

    async def _submit(
        self, job_id: str, data: bytes, pixels: int, options: Options, timeout_s: float
    ) -> None:
        now_s = time.time()
        request = Request(
            options, self._replies.address, len(data), pixels, now_s, now_s + timeout_s
        )
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.set(input_key(job_id), data, ex=job_ttl_s(timeout_s))
            add_job(pipeline, job_id, request, wait_s=timeout_s, result_ttl_s=self._result_ttl_s)
            await pipeline.execute()
        self._replies.mark_submitted(job_id)

    async def _fetch(self, result: Result) -> Finished:
        job_id = result.job_id
        pictures = (image_key(job_id), heatmap_key(job_id))
        async with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.mget(pictures)
            # If Redis fails here, the keys stay until they expire.
            pipeline.delete(record_key(job_id), *pictures)
            (image, heatmap), _ = await pipeline.execute()
        if image is None or (result.heatmap_type is not None and heatmap is None):
            raise InternalError("The result was lost before it could be sent.")
        return Finished(result, cast("bytes", image), heatmap)

    async def _discard(self, job_id: str, raw: bytes) -> None:
        """Delete the result of a job that nobody waits for any more.

        A record that differs from the reply stays: it says that the job was deleted or that its
        deadline has passed.
        """
        await self.withdraw(job_id)
        try:
            if await self.redis.get(record_key(job_id)) == raw:
                await self.redis.delete(record_key(job_id))
        except RedisError:
            log.warning("the record of job %s could not be deleted; it will expire", job_id)
