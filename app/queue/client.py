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
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.cancellation import end
from app.queue.enqueue import JobTemplate
from app.redis import SharedConnection, pack
from app.results.result import Finished
from contract.errors import DeadlineError, InternalError, QueueUnavailableError
from contract.keys import (
    QUEUE_NAME,
    heatmap_key,
    image_key,
    input_key,
    record_key,
    reply_key,
)
from contract.messages import Failure, Options, Reply, Request, Result, decode_reply

log = logging.getLogger(__name__)

# The reader blocks in Redis this long; its socket must be more patient than that.
BLOCK_S = 5
SOCKET_TIMEOUT_S = BLOCK_S + 5
REPLIES_AT_ONCE = 64
# Longer uploads go out over a connection of their own: whatever comes behind one waits for it.
LARGE_BYTES = 1024 * 1024
# Work on a job that takes longer than this hangs: its worker gives itself up. Of a client that waits
# it is this share of the wait, so that others' photos still come in time from the next worker.
JOB_TIMEOUT_S = 120
JOB_SHARE = 0.75
# Who knows a job's id may see its pictures: 144 random bits can't be guessed.
ID_BYTES = 18


class QueueClient:
    """One front-end process at the queue; every job's reply comes back on one list."""

    def __init__(
        self, redis_url: str, *, result_ttl_s: int, on_reply: Callable[[Reply], None]
    ) -> None:
        self.redis = Redis.from_url(redis_url, socket_timeout=SOCKET_TIMEOUT_S)
        # What every upload asks for goes over these: `redis` is for all else.
        self.shared = SharedConnection(redis_url, timeout_s=SOCKET_TIMEOUT_S)
        self._large = SharedConnection(redis_url, timeout_s=SOCKET_TIMEOUT_S)
        self._replies = SharedConnection(redis_url, timeout_s=SOCKET_TIMEOUT_S)
        self._templates: dict[float, JobTemplate] = {}  # by how long a client waits
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
        await self.shared.close()
        await self._large.close()
        await self._replies.close()
        await self.redis.aclose()
        self._queue.connection.close()

    async def compress(
        self,
        data: bytes,
        pixels: int,
        options: Options,
        timeout_s: float,
        *,
        take: Callable[[Result], Awaitable[Finished | None]] | None = None,
        keep: bool = False,
    ) -> Finished:
        """Return one photo, finished.

        Whoever wants to keep it may ``take`` it first; what isn't taken leaves Redis, unless it is
        to be kept there. Cancelling withdraws the job: nothing is left behind.

        Raises:
            FoveateError: what the worker reports, or DeadlineError after ``timeout_s``.
            QueueUnavailableError: when Redis is gone or out of memory.
        """
        job_id = secrets.token_urlsafe(ID_BYTES)
        reply = self._waiting[job_id] = asyncio.get_running_loop().create_future()
        done = False
        try:
            try:
                await self._submit(job_id, data, pixels, options, timeout_s)
                timer = asyncio.get_running_loop().call_later(timeout_s, expire, reply)
                try:
                    answer = await reply
                finally:
                    timer.cancel()
            except TimeoutError as error:
                raise DeadlineError(f"No result within {timeout_s:g} s.") from error
            if isinstance(answer, Failure):
                done = True
                await self.redis.delete(record_key(job_id))
                raise answer.to_error()
            finished = await take(answer) if take else None
            if finished is None:
                finished = await self._fetch(answer, keep=keep)
            done = True
            return finished
        except RedisError as error:
            raise QueueUnavailableError("The queue can't take or return photos now.") from error
        finally:
            self.forget(job_id)
            if not done:
                await asyncio.shield(asyncio.ensure_future(self.withdraw(job_id)))

    async def start_job(
        self, data: bytes, pixels: int, options: Options, timeout_s: float
    ) -> tuple[str, "asyncio.Future[Reply]"]:
        """Queue a job that runs whether or not anyone waits for it; return its id and its reply.

        Who has seen the reply, or doesn't care any more, calls ``forget``.

        Raises:
            QueueUnavailableError: when Redis is gone or out of memory; nothing is left behind.
        """
        job_id = secrets.token_urlsafe(ID_BYTES)
        reply = self._waiting[job_id] = asyncio.get_running_loop().create_future()
        queued = False
        try:
            await self._submit(job_id, data, pixels, options, timeout_s)
            queued = True
        except RedisError as error:
            raise QueueUnavailableError("The queue can't take photos now.") from error
        finally:
            if not queued:
                self.forget(job_id)
                await asyncio.shield(asyncio.ensure_future(self.withdraw(job_id)))
        return job_id, reply

    def forget(self, job_id: str) -> None:
        """Expect no reply for a job any more."""
        self._waiting.pop(job_id, None)
        self._submitted.discard(job_id)

    @property
    def key(self) -> str:
        """The key of the list of waiting jobs' ids."""
        return str(self._queue.key)

    def restore(self, job_id: str, fields: dict[bytes, bytes]) -> Job | None:
        """Return RQ's job of the fields of its hash, None when they are incomplete."""
        job = Job(job_id, connection=self._queue.connection, serializer=JSONSerializer)
        try:
            job.restore(fields)
        except (NoSuchJobError, ValueError):
            return None
        return job

    async def length(self) -> int:
        """Return how many jobs wait; raises RedisError."""
        return await self.redis.llen(self._queue.key)

    async def _submit(
        self, job_id: str, data: bytes, pixels: int, options: Options, timeout_s: float
    ) -> None:
        now_s = time.time()
        request = Request(options, self._reply_to, len(data), pixels, now_s, now_s + timeout_s)
        template = await self._template(timeout_s)
        job, count = template.commands(job_id, request.to_json())
        key, ttl_s = input_key(job_id).encode(), b"%d" % template.ttl_s
        # Around the photo's bytes, which `pack` would copy.
        packed = [
            b"*1\r\n$5\r\nMULTI\r\n*5\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n"
            % (len(key), key, len(data)),
            data,
            b"\r\n$2\r\nEX\r\n$%d\r\n%b\r\n%b*1\r\n$4\r\nEXEC\r\n" % (len(ttl_s), ttl_s, job),
        ]
        connection = self._large if len(data) > LARGE_BYTES else self.shared
        await connection.execute(packed, 3 + count)
        self._submitted.add(job_id)

    async def _template(self, wait_s: float) -> JobTemplate:
        template = self._templates.get(wait_s)
        if template is None:
            if not self._queue.redis_server_version:
                await asyncio.to_thread(self._queue.get_redis_server_version)
            template = self._templates[wait_s] = JobTemplate(
                self._queue,
                timeout_s=max(1, min(JOB_TIMEOUT_S, int(JOB_SHARE * wait_s))),
                ttl_s=int(wait_s) + JOB_TIMEOUT_S,
                result_ttl_s=self._result_ttl_s,
            )
        return template

    async def _fetch(self, result: Result, *, keep: bool) -> Finished:
        job_id = result.job_id
        # What isn't deleted, because Redis goes away in the middle, expires.
        blobs = (image_key(job_id), heatmap_key(job_id))
        # Of a job that its client waited for nobody knows the id.
        forgotten = (record_key(job_id), *(() if keep else blobs))
        packed = [pack("MGET", *blobs), pack("DEL", *forgotten)]
        (image, heatmap), _ = await self.shared.execute(packed, 2)
        if image is None or (result.heatmap_type is not None and heatmap is None):
            raise InternalError("The result was lost before it could be sent.")
        return Finished(result, image, heatmap)

    async def withdraw(self, job_id: str) -> None:
        """Take a job back: its input and pictures go; waiting, it leaves the queue as well.

        A worker that has it already finds no input and ends it.
        """
        try:
            # Over the connection that most jobs go out on, so never before one of them, and what
            # comes of another is removed with its reply. LREM as RQ has it.
            packed = [
                pack("MULTI"),
                pack("DEL", input_key(job_id), image_key(job_id), heatmap_key(job_id)),
                pack("LREM", self.key, 1, job_id),
                pack("EXEC"),
            ]
            *_, (_, waiting) = await self.shared.execute(packed, len(packed))
            if waiting:
                await self.redis.delete(self._queue.job_class.key_for(job_id))
        except RedisError:
            log.warning("job %s could not be withdrawn; its keys expire", job_id)

    async def _read_replies(self) -> None:
        """Hand replies to whoever waits; outlives every fault of Redis."""
        pause_s = 0.05
        look_at_s = time.monotonic() + BLOCK_S
        key = reply_key(self._reply_to)
        pop = pack("BLMPOP", BLOCK_S, 1, key, "LEFT", "COUNT", REPLIES_AT_ONCE)
        while True:
            try:
                if time.monotonic() >= look_at_s:
                    await self._settle_doubts()
                    look_at_s = time.monotonic() + BLOCK_S
                (popped,) = await self._replies.execute([pop], 1, again=False)
                pause_s = 0.05
            except RedisError as error:
                log.warning("replies can't be read: %s", type(error).__name__)
                look_at_s = 0.0
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 1.0)
                continue
            if popped:
                for raw in cast("list[bytes]", popped[1]):
                    await self._hand_over(raw)

    async def _settle_doubts(self) -> None:
        """End the waiting for what won't come of itself.

        A job that a restarted Redis no longer knows has failed. A reply that was sent over a
        connection as it was cut is in its job's record, and no longer in the list.
        """
        submitted = list(self._submitted)
        if not submitted:
            return
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.lrange(reply_key(self._reply_to), 0, -1)
            for job_id in submitted:
                pipeline.exists(self._queue.job_class.key_for(job_id))
                pipeline.get(record_key(job_id))
            coming, *found = await pipeline.execute()
        for job_id, known, record in zip(submitted, found[::2], found[1::2], strict=True):
            waiting = self._waiting.get(job_id)
            if waiting is None or waiting.done():
                continue
            if record is not None and record not in coming:
                await self._hand_over(record)
            elif not known:
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
        else:
            await self._discard(reply.job_id, raw)

    async def _discard(self, job_id: str, raw: bytes) -> None:
        """Remove what came of a job that nobody waits for any more.

        A record that says something else than the reply stays: that the job was deleted, or that
        its deadline had passed.
        """
        await self.withdraw(job_id)
        try:
            if await self.redis.get(record_key(job_id)) == raw:
                await self.redis.delete(record_key(job_id))
        except RedisError:
            log.warning("the record of job %s could not be removed; it expires", job_id)


def expire(reply: "asyncio.Future[Reply]") -> None:
    """Let whoever waits for ``reply`` wait no longer."""
    if not reply.done():
        reply.set_exception(TimeoutError())
