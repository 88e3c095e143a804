"""Sends replies: pictures under their keys, a message on the front end's list.

The message is also stored as the job's record: clients may ask any front end for the job later.

A job gets one reply, even when several workers run it: the first reply deletes the job's input, and
without an input nothing is sent. The item then counts as withdrawn, as when its client has left.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from contract.keys import RECORD_TTL_FACTOR, input_key, record_key, reply_key
from contract.messages import Failure, Reply, encode_reply
from worker.item import Item

log = logging.getLogger(__name__)

# Redis is unreachable, full, or a replica during a failover: writes are tried again.
UNAVAILABLE: Final = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError)

REPLY: Final = Path(__file__).with_name("reply.lua").read_text("utf-8")


class Replies:
    """Sends results and failures; Redis keeps pictures and unread replies for ``ttl_s``."""

    def __init__(self, connection: Redis, *, ttl_s: int) -> None:
        self._reply = connection.register_script(REPLY)
        self._ttl_s = ttl_s

    def send_results(self, items: Sequence[Item]) -> None:
        """Send each item's result; mark items without input in Redis as withdrawn.

        Raises:
            RedisError: when Redis is unavailable; call again with all items. Items that were sent
                before the error then count as withdrawn.
        """
        for item in items:
            assert item.result is not None
            try:
                item.withdrawn = not self._send(item.request.reply_to, item.result, item.blobs)
            except UNAVAILABLE:
                raise
            except RedisError as error:
                item.error = error

    def send_failures(self, failures: Sequence[tuple[str, Failure]]) -> None:
        """Send each failure to the front end that is named with it.

        Raises:
            RedisError: when Redis is unavailable; call again with all failures.
        """
        for reply_to, failure in failures:
            try:
                self._send(reply_to, failure, {})
            except UNAVAILABLE:
                raise
            except RedisError:
                log.exception("the failure of job %s could not be sent", failure.job_id)

    def _send(self, reply_to: str, reply: Reply, blobs: Mapping[str, bytes]) -> bool:
        """Return whether this was the job's first reply."""
        job_id = reply.job_id
        return bool(
            self._reply(
                keys=[input_key(job_id), reply_key(reply_to), record_key(job_id), *blobs],
                args=[
                    self._ttl_s,
                    RECORD_TTL_FACTOR * self._ttl_s,
                    encode_reply(reply),
                    *blobs.values(),
                ],
            )
        )
