"""Submits jobs to the queue, waits for their results, and withdraws them."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from redis.exceptions import RedisError
from rq.job import Job

from app.queue.replies import Replies
from app.queue.rq_jobs import enqueue_command, job_ttl_s
from app.redis import connect, connect_exchange
from app.results.result import Finished
from contract.errors import DeadlineError, FoveateError, GoneJobError, QueueUnavailableError
from contract.keys import (
    QUEUE_KEY,
    RECORD_TTL_FACTOR,
    heatmap_key,
    image_key,
    input_key,
    record_key,
)
from contract.messages import Failure, Options, Reply, Request, Result, encode_reply

log = logging.getLogger(__name__)

# Anyone who knows a job's id may read its pictures, so an id has 144 random bits.
ID_BYTES: Final = 18
# How long a result's pictures stay after they were read: much longer than connecting again takes.
REPEAT_MS: Final = 1000


class QueueClient:
    """The queue as one front end uses it.

    ``on_reply`` gets every reply of a worker. ``on_death`` gets the name of the task that reads
    replies each time it dies. Results are kept for ``result_ttl_s``. ``describe_origin`` returns what
    ``contract.origin`` names of the current request.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        result_ttl_s: int,
        on_reply: Callable[[Reply], None],
        on_death: Callable[[str], None],
        describe_origin: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.redis = connect(redis_url)
        self._pool = connect_exchange(redis_url)
        self._result_ttl_s = result_ttl_s
        self._describe_origin = describe_origin
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
        await self._pool.aclose()

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
        is_submitted = done = False
        try:
            try:
                await self._submit(job_id, data, pixels, options, timeout_s)
                is_submitted = True
                async with asyncio.timeout(timeout_s):
                    reply = await expected
            except TimeoutError as error:
                raise DeadlineError(f"No result within {timeout_s:g} s.") from error
            if isinstance(reply, Failure):
                done = True
                with suppress(RedisError):  # it will expire
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
                withdrawing = self.withdraw(job_id, is_submitted=is_submitted)
                await asyncio.shield(asyncio.ensure_future(withdrawing))

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
                withdrawing = self.withdraw(job_id, is_submitted=False)
                await asyncio.shield(asyncio.ensure_future(withdrawing))
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

    async def withdraw(self, job_id: str, *, is_submitted: bool = True) -> None:
        """Delete a job's input and pictures, and take the job off the queue if it still waits.

        A worker that has started the job finds no input and ends it. Without ``is_submitted`` the job
        gets a record, so that a submission that was interrupted and arrives later queues nothing.
        """
        try:
            async with self.redis.pipeline(transaction=False) as pipeline:
                if not is_submitted:
                    gone = encode_reply(Failure(job_id, GoneJobError.code, "It was withdrawn."))
                    ttl_s = RECORD_TTL_FACTOR * self._result_ttl_s
                    pipeline.set(record_key(job_id), gone, ex=ttl_s, nx=True)
                pipeline.delete(input_key(job_id), image_key(job_id), heatmap_key(job_id))
                pipeline.lrem(QUEUE_KEY, 1, job_id)
                # A full Redis refuses the record, and has refused the submission.
                *_, waiting = await pipeline.execute(raise_on_error=False)
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
        await self._pool.exchange(
            ("MULTI",),
            ("SET", input_key(job_id), data, "EX", job_ttl_s(timeout_s)),
            enqueue_command(
                job_id,
                request,
                wait_s=timeout_s,
                result_ttl_s=self._result_ttl_s,
                origin=self._describe_origin(),
            ),
            ("EXEC",),
        )
        self._replies.mark_submitted(job_id)

    async def _fetch(self, result: Result) -> Finished:
        """Return a result's pictures and delete them.

        They stay for ``REPEAT_MS``, so that the command can be repeated when its connection is cut.
        """
        job_id = result.job_id
        keys = [image_key(job_id)]
        if result.heatmap_type is not None:
            keys.append(heatmap_key(job_id))
        image, *heatmap, _ = await self._pool.exchange(
            *(("GETEX", key, "PX", REPEAT_MS) for key in keys),
            ("DEL", record_key(job_id)),
        )
        if image is None or None in heatmap:
            raise QueueUnavailableError("The queue has lost the photo; send it again.")
        return Finished(result, image, heatmap[0] if heatmap else None)

    async def _discard(self, job_id: str) -> None:
        """Delete the result of a job that nobody waits for any more; its record will expire."""
        await self.withdraw(job_id)
