"""Reads workers' replies from the front end's list in Redis and passes them to waiting requests."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError
from rq.job import Job

from app.background import BackgroundTask
from app.redis import connect_exchange
from contract.errors import InternalError, QueueUnavailableError
from contract.keys import record_key, reply_key
from contract.messages import InvalidReplyError, Reply, decode_reply

log = logging.getLogger(__name__)

# How long one read blocks in Redis; less than ``app.redis.SOCKET_TIMEOUT_S``.
BLOCK_S: Final = 5
REPLIES_PER_READ: Final = 64
# The pauses between reads while Redis fails; each is twice the one before, up to the maximum.
MIN_PAUSE_S: Final = 0.05
MAX_PAUSE_S: Final = 1.0


class Replies:
    """The replies to one front end; ``address`` names the list in which they arrive."""

    def __init__(
        self,
        redis_url: str,
        redis: Redis,
        *,
        on_reply: Callable[[Reply], None],
        on_death: Callable[[str], None],
        discard: Callable[[str], Awaitable[None]],
    ) -> None:
        """Connect to Redis.

        ``on_reply`` gets every reply, ``on_death`` the reader's name whenever it dies. ``discard`` gets
        the id of each job that nobody waits for.
        """
        self.address = secrets.token_hex(8)
        self._redis = redis
        # Without a repeat: replies that were lost with a connection are looked for in the records.
        self._blocking = connect_exchange(redis_url, retries=0)
        self._on_reply = on_reply
        self._discard = discard
        self._expected: dict[str, asyncio.Future[Reply]] = {}
        self._submitted: set[str] = set()
        self._reconcile_at_s = 0.0
        self.reader = BackgroundTask("replies", self._read, on_death=on_death)

    def start(self) -> None:
        """Begin to read replies."""
        self.reader.start()

    async def stop(self) -> None:
        """Stop reading and close the reader's connection."""
        await self.reader.stop()
        await self._blocking.aclose()

    def expect(self, job_id: str) -> "asyncio.Future[Reply]":
        """Return the future reply to a job."""
        reply = self._expected[job_id] = asyncio.get_running_loop().create_future()
        return reply

    def mark_submitted(self, job_id: str) -> None:
        """From now on, fail the expected reply if Redis loses the job."""
        self._submitted.add(job_id)

    def forget(self, job_id: str) -> None:
        """Stop expecting a reply to a job."""
        self._expected.pop(job_id, None)
        self._submitted.discard(job_id)

    async def _read(self) -> None:
        pause_s = MIN_PAUSE_S
        # At once: replies may have been lost when the reader died.
        self._reconcile_at_s = 0.0
        key = reply_key(self.address)
        while True:
            try:
                if time.monotonic() >= self._reconcile_at_s:
                    self._reconcile_at_s = time.monotonic() + BLOCK_S
                    await self._reconcile_pending()
                (popped,) = await self._blocking.exchange(
                    ("BLMPOP", BLOCK_S, 1, key, "LEFT", "COUNT", REPLIES_PER_READ)
                )
                pause_s = MIN_PAUSE_S
            except RedisError as error:
                log.warning("replies can't be read: %s", type(error).__name__)
                self._reconcile_at_s = 0.0
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, MAX_PAUSE_S)
                continue
            delivered = map(self._deliver, popped[1] if popped else ())
            await asyncio.gather(*map(self._discard, filter(None, delivered)))

    async def _reconcile_pending(self) -> None:
        """Find the ends of pending jobs whose replies were lost.

        A job that Redis does not know, because it was restarted, has failed. A reply that was lost
        with a cut connection is no longer in the list, but in its job's record.
        """
        submitted = list(self._submitted)
        if not submitted:
            return
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.lrange(reply_key(self.address), 0, -1)
            for job_id in submitted:
                pipeline.exists(Job.key_for(job_id))
                pipeline.get(record_key(job_id))
            unread, *found = await pipeline.execute()
        for job_id, exists, record in zip(submitted, found[::2], found[1::2], strict=True):
            expected = self._expected.get(job_id)
            if expected is None or expected.done():
                continue
            if record is not None:
                if record not in unread:
                    self._deliver(record, job_id)
            elif not exists:
                expected.set_exception(
                    QueueUnavailableError("The queue has lost the photo; send it again.")
                )

    def _deliver(self, raw: bytes, job_id: str | None = None) -> str | None:
        """Pass on a reply, or an error if it is malformed; a record is known to be of ``job_id``.

        Return the id of the job if nobody waits for its reply any more.
        """
        try:
            reply = decode_reply(raw)
        except InvalidReplyError as error:
            log.exception("dropped a malformed reply")
            self._fail(job_id or error.job_id)
            return None
        expected = self._expected.get(reply.job_id)
        unwanted: str | None = reply.job_id
        if expected is not None and not expected.done():
            expected.set_result(reply)
            unwanted = None
        self._on_reply(reply)
        return unwanted

    def _fail(self, job_id: str | None) -> None:
        """Fail the request whose reply is malformed; look in the records if its id is unknown."""
        expected = self._expected.get(job_id) if job_id else None
        if expected is None:
            self._reconcile_at_s = 0.0
        elif not expected.done():
            expected.set_exception(InternalError("The worker's reply was malformed."))
