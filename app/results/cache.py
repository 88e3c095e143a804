"""Finished photos in Redis for whoever uploads the same again.

An entry has the result and the keys of its pictures; the pictures stay where the worker put them.
Scripts keep entries, pictures and the count of bytes together: whatever dies in between
leaves nothing that doesn't expire. They name keys that they were not given, so they need one
Redis and no cluster, as RQ does.
"""

import json
import logging
import time
from dataclasses import asdict, replace
from typing import Final, cast

from redis.exceptions import RedisError

from app.redis import Script, SharedConnection
from app.results.result import Finished
from contract.keys import (
    CACHE_ORDER_KEY,
    CACHE_SIZES_KEY,
    RECORD_LIVES,
    cache_key,
    heatmap_key,
    image_key,
    record_key,
)
from contract.messages import Result, encode_reply

log = logging.getLogger(__name__)

# Fields: result, image, heatmap, and until when a link has promised the pictures. Dropping an
# entry leaves such pictures to their own time to live.
DROP: Final = """
local order, sizes, now = KEYS[2], KEYS[3], tonumber(ARGV[1])
local function drop(entry)
  local held = redis.call('HMGET', entry, 'image', 'heatmap', 'promised')
  if held[1] and tonumber(held[3]) <= now then redis.call('DEL', held[1], held[2]) end
  redis.call('DEL', entry)
  redis.call('ZREM', order, entry)
  local bytes = redis.call('HGET', sizes, entry)
  if bytes then
    redis.call('HDEL', sizes, entry)
    redis.call('HINCRBY', sizes, 'total', -tonumber(bytes))
  end
end
local function renew(entry, ttl)
  redis.call('EXPIRE', entry, ttl)
  redis.call('ZADD', order, now + ttl, entry)
  redis.call('EXPIRE', order, ttl)
  redis.call('EXPIRE', sizes, ttl)
end
"""

# Makes the pictures the cache's own; returns 0 when they don't fit or are gone.
HOLD: Final = (
    DROP
    + """
local entry, image, heatmap, record = KEYS[1], KEYS[4], KEYS[5], KEYS[6]
local function hold(promised)
  local ttl, max_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
  if redis.call('EXISTS', image) == 0 then return 0 end
  local bytes = redis.call('STRLEN', image) + redis.call('STRLEN', heatmap) + #ARGV[4]
  if bytes > max_bytes then return 0 end
  for _, expired in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', now)) do drop(expired) end
  drop(entry)
  while tonumber(redis.call('HGET', sizes, 'total') or 0) + bytes > max_bytes do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1]
    if not oldest then redis.call('DEL', sizes) break end
    drop(oldest)
  end
  redis.call('HSET', entry, 'result', ARGV[4], 'image', image, 'heatmap', heatmap, 'promised', promised)
  redis.call('HSET', sizes, entry, bytes)
  redis.call('HINCRBY', sizes, 'total', bytes)
  redis.call('EXPIRE', image, ttl)
  redis.call('EXPIRE', heatmap, ttl)
  renew(entry, ttl)
  return 1
end
"""
)

# For a job that its client knows: its record must still be what it was, and says from now on that
# the pictures are shared.
KEEP: Final = Script(
    HOLD
    + """
if redis.call('GET', record) ~= ARGV[5] then return 0 end
if hold(now + tonumber(ARGV[2])) == 0 then return 0 end
redis.call('SET', record, ARGV[6], 'EX', ARGV[7])
return 1
"""
)

# For a job that nobody knows: the pictures are wanted at once, and its record by nobody.
TAKE: Final = Script(
    HOLD
    + """
if hold(0) == 0 then return false end
redis.call('DEL', record)
return {redis.call('GET', image), redis.call('GET', heatmap)}
"""
)

FIND: Final = Script(
    DROP
    + """
local held = redis.call('HMGET', KEYS[1], 'result', 'image', 'heatmap')
if not held[1] then return false end
local image = redis.call('GET', held[2])
if not image then drop(KEYS[1]) return false end
redis.call('EXPIRE', held[2], ARGV[2])
redis.call('EXPIRE', held[3], ARGV[2])
renew(KEYS[1], tonumber(ARGV[2]))
return {held[1], image, redis.call('GET', held[3])}
"""
)

# Gives pictures a further record, under which a job of another id finds them. Returns 0 when they
# are gone.
LINK: Final = Script(
    DROP
    + """
local entry, image, heatmap, record = KEYS[1], KEYS[4], KEYS[5], KEYS[6]
local ttl = tonumber(ARGV[2])
if redis.call('EXISTS', image) == 0 then return 0 end
redis.call('EXPIRE', image, ttl)
redis.call('EXPIRE', heatmap, ttl)
redis.call('SET', record, ARGV[3], 'EX', ARGV[4])
if redis.call('HGET', entry, 'image') == image then
  redis.call('HSET', entry, 'promised', now + ttl)
  renew(entry, ttl)
end
return 1
"""
)


class ResultCache:
    """At most ``max_bytes`` of pictures, each for ``ttl_s`` after its last use; 0 keeps none."""

    def __init__(self, connection: SharedConnection, *, max_bytes: int, ttl_s: int) -> None:
        self._redis = connection
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s

    @property
    def is_on(self) -> bool:
        """Whether anything is ever kept."""
        return self._max_bytes > 0

    async def find(self, identity: str) -> Finished | None:
        """Return what is cached; a Redis that doesn't answer has nothing."""
        if not self.is_on:
            return None
        try:
            found = await self._redis.run(
                FIND,
                keys=[cache_key(identity), CACHE_ORDER_KEY, CACHE_SIZES_KEY],
                arguments=[time.time(), self._ttl_s],
            )
            if found is None:
                return None
            raw, image, heatmap = cast("tuple[bytes, bytes, bytes | None]", found)
            result = Result(**json.loads(raw))
        except (RedisError, TypeError, ValueError):
            log.warning("a cached result can't be read", exc_info=True)
            return None
        return None if is_short(result, heatmap) else Finished(result, image, heatmap)

    async def take(self, identity: str, result: Result) -> Finished | None:
        """Return a finished job's pictures, which are the cache's from then on.

        None when they don't fit, or Redis doesn't do it: then they are where they were.
        """
        shared = replace(result, shared=True)
        try:
            taken = await self._redis.run(
                TAKE,
                keys=self._keys(identity, result.job_id),
                arguments=[time.time(), self._ttl_s, self._max_bytes, json.dumps(asdict(shared))],
            )
        except RedisError:
            log.warning("a result can't be cached", exc_info=True)
            return None
        if taken is None:
            return None
        image, heatmap = cast("tuple[bytes, bytes | None]", taken)
        return None if is_short(result, heatmap) else Finished(shared, image, heatmap)

    async def keep(self, identity: str, result: Result) -> bool:
        """Take over the pictures of a finished job that its client knows; return whether they fit.

        They outlive their entry for as long as the job does.
        """
        if not self.is_on:
            return False
        shared = replace(result, shared=True)
        try:
            kept = await self._redis.run(
                KEEP,
                keys=self._keys(identity, result.job_id),
                arguments=[
                    time.time(),
                    self._ttl_s,
                    self._max_bytes,
                    json.dumps(asdict(shared)),
                    encode_reply(result),
                    encode_reply(shared),
                    RECORD_LIVES * self._ttl_s,
                ],
            )
        except RedisError:
            log.warning("a result can't be cached", exc_info=True)
            return False
        return bool(kept)

    async def link(self, identity: str, result: Result, job_id: str) -> bool:
        """Let ``job_id`` stand for a result as well; return whether its pictures are still there.

        Raises:
            RedisError: when Redis doesn't answer or is full.
        """
        *others, _ = self._keys(identity, result.job_id)
        linked = await self._redis.run(
            LINK,
            keys=[*others, record_key(job_id)],
            arguments=[time.time(), self._ttl_s, encode_reply(result), RECORD_LIVES * self._ttl_s],
        )
        return bool(linked)

    @staticmethod
    def _keys(identity: str, owner: str) -> list[str]:
        return [
            cache_key(identity),
            CACHE_ORDER_KEY,
            CACHE_SIZES_KEY,
            image_key(owner),
            heatmap_key(owner),
            record_key(owner),
        ]


def is_short(result: Result, heatmap: bytes | None) -> bool:
    """Return whether the heatmap of a result is gone."""
    return result.heatmap_type is not None and heatmap is None
