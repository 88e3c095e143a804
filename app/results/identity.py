"""The identity of a result: a digest of input, options and the version that computes it."""

import asyncio
import hashlib
import json
from dataclasses import asdict
from functools import lru_cache

from contract.messages import Options

# Hashing less is as quick as handing it to a thread.
HASHED_AT_ONCE_BYTES = 256 * 1024


async def digest_input(data: bytes) -> bytes:
    """Return the SHA-256 of an upload; large ones are hashed in a thread."""
    if len(data) <= HASHED_AT_ONCE_BYTES:
        return hashlib.sha256(data).digest()
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()


def identify(input_digest: bytes, options: Options, version: str) -> str:
    """Return 64 hexadecimal digits that identify the result of an upload."""
    return hashlib.sha256(input_digest + describe(options, version)).hexdigest()


@lru_cache(maxsize=64)
def describe(options: Options, version: str) -> bytes:
    """Return the digest's part for options and version; cached, since few combinations occur."""
    return json.dumps([asdict(options), version], sort_keys=True).encode()
