"""The identity of a result: a digest of the upload, the options and the worker's version."""

import asyncio
import hashlib
import json
from dataclasses import asdict
from functools import lru_cache

from contract.messages import Options

# Hashing up to this size takes no longer than passing the work to a thread.
MAX_INLINE_BYTES = 256 * 1024


async def digest_input(data: bytes) -> bytes:
    """Return the SHA-256 of an upload, 32 bytes; large uploads are hashed in a thread."""
    if len(data) <= MAX_INLINE_BYTES:
        return hashlib.sha256(data).digest()
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()


def identify(input_digest: bytes, options: Options, version: str) -> str:
    """Return the identity of a result, 64 hexadecimal digits."""
    return hashlib.sha256(input_digest + serialize(options, version)).hexdigest()


@lru_cache(maxsize=64)
def serialize(options: Options, version: str) -> bytes:
    """Return options and version as bytes for the digest; cached, since few combinations occur."""
    return json.dumps([asdict(options), version], sort_keys=True).encode()
