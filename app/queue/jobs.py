"""Reads, stores and deletes jobs and their pictures in Redis."""

import logging
import re
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, cast

from redis.exceptions import RedisError
from rq.job import Job as RqJob

from app.queue.client import QueueClient
from app.queue.job import (
    COULD_NOT_COMPRESS,
    Job,
    describe_ended,
    describe_unfinished,
    read_request,
    to_failure,
)
from app.queue.rq_jobs import restore_job
from app.results.result import Finished
from contract.errors import (
    DeadlineError,
    GoneJobError,
    InternalError,
    QueueUnavailableError,
    UnknownJobError,
)
from contract.keys import (
    QUEUE_KEY,
    RECORD_TTL_FACTOR,
    heatmap_key,
    image_key,
    record_key,
    reply_key,
)
from contract.messages import (
    Failure,
    InvalidReplyError,
    Result,
    decode_reply,
    encode_reply,
)

log = logging.getLogger(__name__)

JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{24}")
UNKNOWN_ID: Final = "No job has this id; it may have expired."


class Jobs:
    """Reads, stores and deletes the jobs of all front ends.

    Pictures are kept for ``ttl_s``, records for longer.
    """

    def __init__(self, queue: QueueClient, *, ttl_s: int) -> None:
        self._queue = queue
        self._redis = queue.redis
        self._ttl_s = ttl_s

    async def read(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            UnknownJobError: when no job has this id, or its record has expired.
            GoneJobError: when its pictures have expired or it was deleted, while its record exists.
            QueueUnavailableError: when Redis can't be reached.
        """
        if not JOB_ID.fullmatch(job_id):
            raise UnknownJobError(UNKNOWN_ID)
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.get(record_key(job_id))
                pipeline.hgetall(RqJob.key_for(job_id))
                pipeline.lpos(QUEUE_KEY, job_id)
                record, fields, index = await pipeline.execute()
            if record is not None:
                return await self._read_ended(job_id, record)
        except RedisError as error:
            raise QueueUnavailableError("The queue does not respond.") from error
        if not fields:
            raise UnknownJobError(UNKNOWN_ID)
        return describe_unfinished(job_id, restore_job(job_id, fields), index)

    async def _read_ended(self, job_id: str, record: bytes) -> Job:
        try:
            reply = decode_reply(record)
        except InvalidReplyError:
            log.exception("the record of job %s is malformed", job_id)
            return describe_ended(job_id, to_failure(job_id, None, COULD_NOT_COMPRESS))
        if isinstance(reply, Failure):
            if reply.code == GoneJobError.code:
                raise GoneJobError(reply.detail)
            return describe_ended(job_id, reply)
        if not await self._redis.exists(image_key(reply.job_id)):
            raise GoneJobError("The job's pictures have expired.")
        return describe_ended(job_id, reply)

    async def find_picture(self, result: Result, *, heatmap: bool) -> tuple[str, int]:
        """Return the key and the number of bytes of a finished job's JPEG or heatmap.

        Raises:
            GoneJobError: when it has expired.
            UnknownJobError: when the job has no heatmap.
            QueueUnavailableError: when Redis can't be reached.
        """
        if heatmap and result.heatmap_type is None:
            raise UnknownJobError("The job has no heatmap; none was asked for.")
        key = heatmap_key(result.job_id) if heatmap else image_key(result.job_id)
        try:
            length_bytes = await self._redis.strlen(key)
        except RedisError as error:
            raise QueueUnavailableError("The queue does not respond.") from error
        if not length_bytes:
            raise GoneJobError("The job's pictures have expired.")
        return key, length_bytes

    async def keep_picture(self, key: str, keep_s: int) -> None:
        """Let a picture not expire before ``keep_s``, so that it can be read in pieces.

        Raises:
            QueueUnavailableError: when Redis can't be reached.
        """
        try:
            await self._redis.expire(key, keep_s, gt=True)
        except RedisError as error:
            raise QueueUnavailableError("The queue does not respond.") from error

    async def read_piece(self, key: str, start: int, length_bytes: int) -> bytes:
        """Return ``length_bytes`` of a picture from the byte ``start``.

        Raises:
            GoneJobError: when the picture was deleted.
            QueueUnavailableError: when Redis can't be reached.
        """
        try:
            found = await self._redis.getrange(key, start, start + length_bytes - 1)
        except RedisError as error:
            raise QueueUnavailableError("The queue does not respond.") from error
        piece = cast("bytes", found)
        if len(piece) != length_bytes:
            raise GoneJobError("The picture was deleted while it was read.")
        return piece

    async def delete(self, job_id: str) -> None:
        """Withdraw a job that has not ended, or delete the pictures of one that has.

        Reading the job then raises GoneJobError. The result cache keeps its own copy of pictures.

        Raises:
            FoveateError: as ``read``.
        """
        job = await self.read(job_id)
        gone = encode_reply(Failure(job_id, GoneJobError.code, "The job was deleted."))
        try:
            await self._redis.set(record_key(job_id), gone, ex=RECORD_TTL_FACTOR * self._ttl_s)
            if job.reply is None:
                await self._free_place(job_id, gone)
                await self._queue.withdraw(job_id)
            elif isinstance(job.reply, Result):
                await self._queue.withdraw(job_id)
        except RedisError as error:
            raise QueueUnavailableError("The queue does not respond.") from error

    async def _free_place(self, job_id: str, gone: bytes) -> None:
        """Tell the front end that queued the job, so that it frees the job's place at once."""
        fields = await cast(
            "Awaitable[dict[bytes, bytes]]", self._redis.hgetall(RqJob.key_for(job_id))
        )
        request = read_request(restore_job(job_id, fields)) if fields else None
        if request is not None:
            to = reply_key(request.reply_to)
            await self._redis.rpush(to, gone)
            await self._redis.expire(to, self._ttl_s)

    async def store(self, job_id: str, finished: Finished) -> None:
        """Store a finished photo as the result of the job ``job_id``.

        Raises:
            RedisError: when Redis can't be reached or is full.
        """
        result = replace(finished.result, job_id=job_id)
        ttl_s = self._ttl_s
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(image_key(job_id), finished.image, ex=ttl_s)
            if finished.heatmap is not None:
                pipeline.set(heatmap_key(job_id), finished.heatmap, ex=ttl_s)
            pipeline.set(record_key(job_id), encode_reply(result), ex=RECORD_TTL_FACTOR * ttl_s)
            await pipeline.execute()

    async def fail(self, job_id: str, error: DeadlineError | InternalError) -> None:
        """Withdraw a job and record ``error`` as its end, unless it has ended.

        Raises:
            RedisError: when Redis can't be reached or is full.
        """
        fields = await cast(
            "Awaitable[dict[bytes, bytes]]", self._redis.hgetall(RqJob.key_for(job_id))
        )
        failure = encode_reply(to_failure(job_id, restore_job(job_id, fields), error))
        ttl_s = RECORD_TTL_FACTOR * self._ttl_s
        found = await self._redis.set(record_key(job_id), failure, ex=ttl_s, nx=True, get=True)
        if found in {None, failure}:  # the latter when the command was sent twice
            await self._queue.withdraw(job_id)
