"""Finished jobs and cached results, as a front end finds them in Redis."""

import hashlib
import time

from redis import Redis

from app.results.identity import identify
from contract.keys import (
    CACHE_ORDER_KEY,
    cache_key,
    image_key,
    record_key,
)
from contract.messages import Options, Result, encode_reply

DEFAULTS = Options()
TTL_S = 300
VERSION = "v1"
JOB_ID = "j" * 24


def store_job(connection: Redis, picture: bytes) -> str:
    """Store a finished job; return the path of its picture."""
    connection.set(image_key(JOB_ID), picture, ex=TTL_S)
    connection.set(record_key(JOB_ID), encode_reply(describe(picture)), ex=TTL_S)
    return f"/jobs/{JOB_ID}/image"


def store_cached(
    connection: Redis, upload: bytes, picture: bytes, options: Options = DEFAULTS
) -> None:
    """Store the result of an upload in the cache."""
    identity = identify(hashlib.sha256(upload).digest(), options, VERSION)
    connection.set(cache_key(identity), encode_reply(describe(picture)), ex=TTL_S)
    connection.set(image_key(identity), picture, ex=TTL_S)
    connection.zadd(CACHE_ORDER_KEY, {identity: time.time() + TTL_S})


def describe(picture: bytes) -> Result:
    """Return the result whose JPEG is ``picture``."""
    length = len(picture)
    return Result(JOB_ID, 32, 24, length, length, length, VERSION, None, {"encode": 1.0}, 1)
