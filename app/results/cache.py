"""The result cache: finished photos in Redis, for later uploads that are equal.

An entry is a result and its pictures, each in a key of its own. ``store.lua`` adds an entry, drops
old ones and counts their bytes in one step. Every key expires.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.redis import register_script
from app.results.result import Finished, bound_bytes
from contract.keys import (
    CACHE_ORDER_KEY,
    CACHE_SIZES_KEY,
    RECORD_TTL_FACTOR,
    cache_key,
    heatmap_key,
    image_key,
    record_key,
)
from contract.messages import Result, decode_reply, encode_reply

log = logging.getLogger(__name__)

STORE_SCRIPT: Final = Path(__file__).with_name("store.lua")


class ResultCache:
    """A cache of at most ``max_bytes``; an entry expires ``ttl_s`` after its last use.

    With ``max_bytes`` 0 it is off.
    """

    def __init__(self, redis: Redis, *, max_bytes: int, ttl_s: int) -> None:
        self._redis = redis
        self._store_script = register_script(redis, STORE_SCRIPT)
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s

    @property
    def is_on(self) -> bool:
        """Whether the cache keeps anything."""
        return self._max_bytes > 0

    async def find(
        self, identity: str, allocate: Callable[[int], None] = lambda _: None
    ) -> Finished | None:
        """Return the entry for ``identity``, None without one or when Redis fails.

        ``allocate`` gets the bytes of the pictures before they are read. It may refuse them by an
        exception.
        """
        if not self.is_on:
            return None
        result_key, *picture_keys = entry_keys(identity)
        try:
            raw = cast("bytes | None", await self._redis.get(result_key))
            result = decode_reply(raw) if raw is not None else None
            if not isinstance(result, Result):
                return None
            allocate(bound_bytes(result))
            found = await self._redis.mget(picture_keys)
            image, heatmap = cast("list[bytes | None]", found)
            if image is None or is_incomplete(result, heatmap):
                return None
        except (RedisError, ValueError):
            log.warning("a cached result could not be read", exc_info=True)
            return None
        with suppress(RedisError):  # the result is valid without it
            await self._renew(identity)
        return Finished(result, image, heatmap)

    async def take(self, identity: str, result: Result) -> Finished | None:
        """Move a finished job's pictures into the cache and return them.

        Return None and leave the job as it is when the pictures don't fit or Redis fails.
        """
        taken = await self._store(identity, result, "RENAME")
        if taken is None:
            return None
        image, heatmap = cast("tuple[bytes | None, bytes | None]", taken)
        if image is None or is_incomplete(result, heatmap):
            return None
        return Finished(result, image, heatmap)

    async def keep(self, identity: str, result: Result) -> bool:
        """Copy a finished job's pictures into the cache; return whether they are stored."""
        return self.is_on and await self._store(identity, result, "COPY") is not None

    async def copy_to_job(self, identity: str, result: Result, job_id: str) -> bool:
        """Copy an entry to the finished job ``job_id``; return whether its pictures still existed.

        Raises:
            RedisError: when Redis can't be reached or is full.
        """
        async with self._redis.pipeline(transaction=True) as pipeline:
            for key in (image_key, heatmap_key):
                pipeline.copy(key(identity), key(job_id), replace=True)
                pipeline.expire(key(job_id), self._ttl_s)
            record = encode_reply(replace(result, job_id=job_id))
            pipeline.set(record_key(job_id), record, ex=RECORD_TTL_FACTOR * self._ttl_s)
            has_image, _, has_heatmap, *_ = await pipeline.execute()
        return bool(has_image) and bool(has_heatmap or result.heatmap_type is None)

    async def _store(
        self, identity: str, result: Result, transfer: Literal["COPY", "RENAME"]
    ) -> Any:
        job_id = result.job_id
        job_keys = (image_key(job_id), heatmap_key(job_id), record_key(job_id))
        limits = (time.time(), self._ttl_s, self._max_bytes)
        try:
            return await self._store_script(
                keys=[CACHE_ORDER_KEY, CACHE_SIZES_KEY, *job_keys],
                args=[identity, encode_reply(result), *limits, transfer, *entry_keys("")],
            )
        except RedisError:
            log.warning("a result could not be cached", exc_info=True)
            return None

    async def _renew(self, identity: str) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            for key in (*entry_keys(identity), CACHE_ORDER_KEY, CACHE_SIZES_KEY):
                pipeline.expire(key, self._ttl_s)
            # xx: do not add an entry that was dropped meanwhile.
            pipeline.zadd(CACHE_ORDER_KEY, {identity: time.time() + self._ttl_s}, xx=True)
            await pipeline.execute()


def entry_keys(identity: str) -> tuple[str, str, str]:
    """Return the keys of an entry's result, image and heatmap; each ends with ``identity``."""
    return cache_key(identity), image_key(identity), heatmap_key(identity)


def is_incomplete(result: Result, heatmap: bytes | None) -> bool:
    """Return whether the result should have a heatmap and ``heatmap`` is None."""
    return result.heatmap_type is not None and heatmap is None
