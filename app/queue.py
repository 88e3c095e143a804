"""The front end's side of the queue: submit a job, wait for its reply, withdraw it."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import cast

import redis
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rq import Retry
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from app.cancellation import end
from contract.errors import DeadlineError, InternalError, QueueUnavailableError
from contract.keys import (
    JOB_FUNCTION,
    MAX_RETRIES,
    QUEUE_NAME,
    heatmap_key,
    image_key,
    input_key,
    reply_key,
)
from contract.messages import Failure, Options, Reply, Request, Result, decode_reply

log = logging.getLogger(__name__)

# The reader blocks in Redis this long; its socket must be more patient than that.
BLOCK_S = 5
SOCKET_TIMEOUT_S = BLOCK_S + 5
REPLIES_AT_ONCE = 64
# A batch that takes longer than this is given up by its worker.
JOB_TIMEOUT_S = 120


class QueueClient:
    """One front-end process at the queue; every job's reply comes back on one list."""

    def __init__(
        self, redis_url: str, *, result_ttl_s: int, on_reply: Callable[[Reply], None]
    ) -> None:
        self._redis = Redis.from_url(redis_url, socket_timeout=SOCKET_TIMEOUT_S)
        # RQ builds its commands with a synchronous client and runs them on our pipeline; it asks
        # the server itself for nothing but its version, once.
        self._queue = Queue(
            QUEUE_NAME,
            connection=redis.Redis.from_url(redis_url, socket_timeout=SOCKET_TIMEOUT_S),
            serializer=JSONSerializer,
        )
        self._reply_to = secrets.token_hex(8)
        self._result_ttl_s = result_ttl_s
        self._on_reply = on_reply
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._submitted: set[str] = set()
        self._reader: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read replies."""
        self._reader = asyncio.create_task(self._read_replies(), name="replies")

    async def stop(self) -> None:
        """End the reader and close the connections."""
        if self._reader:
            await end(self._reader)
        await self._redis.aclose()
        self._queue.connection.close()

    async def compress(
        self, data: bytes, pixels: int, options: Options, timeout_s: float
    ) -> tuple[Result, bytes, bytes | None]:
        """Return the result, the JPEG and the heatmap, if one was asked for, of one photo.

        Cancelling withdraws the job: nothing is left behind.

        Raises:
            FoveateError: what the worker reports, or DeadlineError after ``timeout_s``.
            QueueUnavailableError: when Redis is gone or out of memory.
        """
        job_id = secrets.token_urlsafe(18)
        now_s = time.time()
        request = Request(options, self._reply_to, len(data), pixels, now_s, now_s + timeout_s)
        reply = self._waiting[job_id] = asyncio.get_running_loop().create_future()
        done = False
        try:
            try:
                await self._submit(job_id, request, data, timeout_s)
                self._submitted.add(job_id)
                async with asyncio.timeout(timeout_s):
                    answer = await reply
            except TimeoutError as error:
                raise DeadlineError(f"No result within {timeout_s:g} s.") from error
            if isinstance(answer, Failure):
                done = True
                raise answer.to_error()
            image, heatmap = await self._fetch(answer)
            done = True
            return answer, image, heatmap
        except RedisError as error:
            raise QueueUnavailableError("The queue can't take or return photos now.") from error
        finally:
            del self._waiting[job_id]
            self._submitted.discard(job_id)
            if not done:
                await asyncio.shield(asyncio.ensure_future(self._withdraw(job_id)))

    async def heatmap(self, job_id: str) -> bytes | None:
        """Return a finished job's heatmap while it is kept."""
        try:
            return cast("bytes | None", await self._redis.get(heatmap_key(job_id)))
        except RedisError as error:
            raise QueueUnavailableError("The queue does not answer.") from error

    async def length(self) -> int:
        """Return how many jobs wait; raises RedisError."""
        return await self._redis.llen(self._queue.key)

    async def count_workers(self) -> int:
        """Return how many workers are alive on the queue; raises RedisError.

        A worker registers once its model is warm, and its key expires when it stops to report.
        """
        keys = await cast(
            "Awaitable[set[bytes]]", self._redis.smembers(WORKERS_BY_QUEUE_KEY % QUEUE_NAME)
        )
        if not keys:
            return 0
        return int(await self._redis.exists(*keys))

    async def _submit(self, job_id: str, request: Request, data: bytes, timeout_s: float) -> None:
        if not self._queue.redis_server_version:
            await asyncio.to_thread(self._queue.get_redis_server_version)
        ttl_s = int(timeout_s) + JOB_TIMEOUT_S
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(input_key(job_id), data, ex=ttl_s)
            self._queue.enqueue_many(
                [
                    Queue.prepare_data(
                        JOB_FUNCTION,
                        kwargs={"request": request.to_json()},
                        job_id=job_id,
                        timeout=JOB_TIMEOUT_S,
                        ttl=ttl_s,
                        result_ttl=self._result_ttl_s,
                        failure_ttl=self._result_ttl_s,
                        description="compress",
                        retry=Retry(max=MAX_RETRIES, enqueue_at_front=True),
                    )
                ],
                pipeline=cast("redis.client.Pipeline", pipeline),
            )
            await pipeline.execute()

    async def _fetch(self, result: Result) -> tuple[bytes, bytes | None]:
        keys = [image_key(result.job_id)]
        if result.heatmap_type:
            keys.append(heatmap_key(result.job_id))
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.mget(keys)
            # The heatmap stays for the link in the answer until it expires.
            pipeline.delete(image_key(result.job_id))
            blobs, _ = await pipeline.execute()
        if None in blobs:
            raise InternalError("The result was lost before it could be sent.")
        return blobs[0], blobs[1] if result.heatmap_type else None

    async def _withdraw(self, job_id: str) -> None:
        """Take a job back: its input and outputs go; waiting, it leaves the queue as well.

        A worker that has it already finds no input and ends it.
        """
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.delete(input_key(job_id), image_key(job_id), heatmap_key(job_id))
                self._queue.remove(job_id, pipeline=cast("redis.client.Pipeline", pipeline))
                _, waiting = await pipeline.execute()
            if waiting:
                await self._redis.delete(self._queue.job_class.key_for(job_id))
        except RedisError:
            log.warning("job %s could not be withdrawn; its keys expire", job_id)

    async def _read_replies(self) -> None:
        """Hand replies to whoever waits; outlives every fault of Redis."""
        pause_s = 0.05
        doubtful = False
        while True:
            try:
                if doubtful:
                    await self._give_up_lost_jobs()
                popped = await cast(
                    "Awaitable[list[object] | None]",
                    self._redis.blmpop(
                        BLOCK_S,
                        1,
                        reply_key(self._reply_to),
                        direction="LEFT",
                        count=REPLIES_AT_ONCE,
                    ),
                )
                pause_s = 0.05
                doubtful = popped is None
            except RedisError as error:
                log.warning("replies can't be read: %s", type(error).__name__)
                doubtful = True
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 1.0)
                continue
            if popped:
                for raw in cast("list[bytes]", popped[1]):
                    await self._hand_over(raw)

    async def _give_up_lost_jobs(self) -> None:
        """Fail the jobs that a restarted Redis no longer knows, instead of waiting for nothing."""
        for job_id in list(self._submitted):
            known = await self._redis.exists(self._queue.job_class.key_for(job_id))
            waiting = self._waiting.get(job_id)
            if not known and waiting is not None and not waiting.done():
                waiting.set_exception(QueueUnavailableError("The queue was lost; send it again."))

    async def _hand_over(self, raw: bytes) -> None:
        try:
            reply = decode_reply(raw)
        except ValueError:
            log.exception("a reply could not be read")
            return
        self._on_reply(reply)
        waiting = self._waiting.get(reply.job_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)
        elif isinstance(reply, Result):
            # Its client left while the worker was at it.
            await self._withdraw(reply.job_id)
