"""Limits what each API key may send, over all front ends.

Redis counts (``admit.lua``). An upload in progress holds a lease, which its front end renews. So the
places of a front end that dies are free again after ``LEASE_S``.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.background import BackgroundTask
from app.redis import register_script
from contract.errors import KeyLimitError, QueueUnavailableError
from contract.keys import key_rate_key, key_uploads_key

ADMIT_SCRIPT: Final = Path(__file__).with_name("admit.lua")
LEASE_S: Final = 15.0
RENEW_INTERVAL_S: Final = 4.0
MAX_RETRY_AFTER_S: Final = 60

TOO_MANY_OPEN: Final = 1
TOO_MANY_SENT: Final = 2


class KeyLimits:
    """The limits on uploads of one API key: ``max_pending`` at a time, ``per_minute``; 0 is no limit.

    ``on_death`` gets the name of the task that renews leases each time it dies.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        max_pending: int,
        per_minute: int,
        on_death: Callable[[str], None],
    ) -> None:
        self._redis = redis
        self._admit_script = register_script(redis, ADMIT_SCRIPT)
        self._max_pending = max_pending
        self._per_minute = per_minute
        # The uploads in progress here: by id the digest of their key.
        self._open: dict[str, str] = {}
        self._releases: set[asyncio.Task[None]] = set()
        self.renewal = BackgroundTask("key limits", self._renew, on_death=on_death)

    @property
    def is_on(self) -> bool:
        """Whether there is a limit."""
        return bool(self._max_pending or self._per_minute)

    def start(self) -> None:
        """Begin to renew leases, if there is a limit."""
        if self.is_on:
            self.renewal.start()

    async def stop(self) -> None:
        """Release what is still held."""
        await self.renewal.stop()
        for upload_id in list(self._open):
            self._release(upload_id)
        if self._releases:
            await asyncio.wait(self._releases)

    async def admit(self, key: str, held: ExitStack, retry_after_s: Callable[[], int]) -> None:
        """Count an upload of the key with the digest ``key`` until ``held`` is closed.

        ``retry_after_s`` returns after which time the client may try again when too many are open.

        Raises:
            KeyLimitError: when the key is at a limit, which ``detail`` names.
            QueueUnavailableError: when Redis does not respond.
        """
        upload_id = secrets.token_hex(8)
        try:
            found = await self._admit_script(
                keys=[key_uploads_key(key), key_rate_key(key)],
                args=[upload_id, int(1e3 * LEASE_S), self._max_pending, self._per_minute],
            )
        except RedisError as error:
            raise QueueUnavailableError("The uploads of an API key can't be counted.") from error
        code, wait_ms = cast("list[int]", found)
        if code == TOO_MANY_OPEN:
            raise KeyLimitError(
                f"This key has {self._max_pending} uploads in progress, as many as it may have.",
                retry_after_s=retry_after_s(),
            )
        if code == TOO_MANY_SENT:
            raise KeyLimitError(
                f"This key may send {self._per_minute} uploads per minute, and has sent them.",
                retry_after_s=max(1, min(-(-wait_ms // 1000), MAX_RETRY_AFTER_S)),
            )
        self._open[upload_id] = key
        held.callback(self._release, upload_id)

    def _release(self, upload_id: str) -> None:
        key = self._open.pop(upload_id, None)
        if key is not None:
            task = asyncio.create_task(self._remove(key, upload_id), name="release key limit")
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)

    async def _remove(self, key: str, upload_id: str) -> None:
        try:
            await self._redis.zrem(key_uploads_key(key), upload_id)
        except RedisError:
            return  # the lease ends by itself

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_INTERVAL_S)
            keys: dict[str, list[str]] = {}
            for upload_id, key in self._open.items():
                keys.setdefault(key, []).append(upload_id)
            for key, upload_ids in keys.items():
                try:
                    await self._extend(key, upload_ids)
                except RedisError:
                    break

    async def _extend(self, key: str, upload_ids: list[str]) -> None:
        seconds, microseconds = await self._redis.time()
        ends_ms = int(1e3 * (seconds + LEASE_S)) + microseconds // 1000
        async with self._redis.pipeline(transaction=True) as pipeline:
            # xx: do not add an upload that was released meanwhile.
            pipeline.zadd(key_uploads_key(key), dict.fromkeys(upload_ids, ends_ms), xx=True)
            pipeline.pexpire(key_uploads_key(key), int(1e3 * LEASE_S))
            await pipeline.execute()
