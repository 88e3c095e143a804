"""Finished photos in Redis for whoever uploads the same again.

An entry has the result and the keys of its pictures; the pictures stay where the worker put them.
Three scripts keep entries, pictures and the count of bytes together: whatever dies in between
leaves nothing that doesn't expire. They name keys that they were not given, so they need one
Redis and no cluster, as RQ does.
"""

import json
import logging
import time
from dataclasses import asdict, replace
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.finished import Finished
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

# Returns 1 when the pictures are the cache's now, 0 when they don't fit or are gone.
KEEP: Final = (
    DROP
    + """
local entry, image, heatmap = KEYS[1], KEYS[4], KEYS[5]
local ttl, max_bytes, promised = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local record, known_as, becomes, record_ttl = KEYS[6], ARGV[6], ARGV[7], ARGV[8]
if redis.call('EXISTS', image) == 0 then return 0 end
if promised > 0 and redis.call('GET', record) ~= known_as then return 0 end
local bytes = redis.call('STRLEN', image) + redis.call('STRLEN', heatmap) + #ARGV[5]
if bytes > max_bytes then return 0 end
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', now)) do drop(expired) end
drop(entry)
while tonumber(redis.call('HGET', sizes, 'total') or 0) + bytes > max_bytes do
  local oldest = redis.call('ZRANGE', order, 0, 0)[1]
  if not oldest then redis.call('DEL', sizes) break end
  drop(oldest)
end
redis.call('HSET', entry, 'result', ARGV[5], 'image', image, 'heatmap', heatmap, 'promised', promised)
redis.call('HSET', sizes, entry, bytes)
redis.call('HINCRBY', sizes, 'total', bytes)
redis.call('EXPIRE', image, ttl)
redis.call('EXPIRE', heatmap, ttl)
if promised > 0 then redis.call('SET', record, becomes, 'EX', record_ttl) end
renew(entry, ttl)
return 1
"""
)

FIND: Final = (
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
LINK: Final = (
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

    def __init__(self, connection: "Redis", *, max_bytes: int, ttl_s: int) -> None:
        self._redis = connection
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._keep = connection.register_script(KEEP)
        self._find = connection.register_script(FIND)
        self._link = connection.register_script(LINK)

    @property
    def is_on(self) -> bool:
        """Whether anything is ever kept."""
        return self._max_bytes > 0

    async def find(self, identity: str) -> Finished | None:
        """Return what is cached; a Redis that doesn't answer has nothing."""
        if not self.is_on:
            return None
        try:
            found = await self._find(
                keys=[cache_key(identity), CACHE_ORDER_KEY, CACHE_SIZES_KEY],
                args=[time.time(), self._ttl_s],
            )
            if found is None:
                return None
            raw, image, heatmap = cast("tuple[bytes, bytes, bytes | None]", found)
            result = Result(**json.loads(raw))
        except (RedisError, TypeError, ValueError):
            log.warning("a cached result can't be read", exc_info=True)
            return None
        if result.heatmap_type is not None and heatmap is None:
            return None
        return Finished(result, image, heatmap)

    async def keep(self, identity: str, result: Result, *, promised: bool = False) -> bool:
        """Take over a finished job's pictures; return whether they fit.

        ``promised``: the job is known to its client, so its pictures must outlive their entry, its
        record must still be this result, and says from now on that they are shared.
        """
        if not self.is_on:
            return False
        now_s = time.time()
        owner = result.job_id
        shared = replace(result, shared=True)
        try:
            kept = await self._keep(
                keys=[
                    cache_key(identity),
                    CACHE_ORDER_KEY,
                    CACHE_SIZES_KEY,
                    image_key(owner),
                    heatmap_key(owner),
                    record_key(owner),
                ],
                args=[
                    now_s,
                    self._ttl_s,
                    self._max_bytes,
                    now_s + self._ttl_s if promised else 0,
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
        owner = result.job_id
        linked = await self._link(
            keys=[
                cache_key(identity),
                CACHE_ORDER_KEY,
                CACHE_SIZES_KEY,
                image_key(owner),
                heatmap_key(owner),
                record_key(job_id),
            ],
            args=[time.time(), self._ttl_s, encode_reply(result), RECORD_LIVES * self._ttl_s],
        )
        return bool(linked)
