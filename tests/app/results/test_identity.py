"""A result is identified by its upload, its options and the worker's version."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from app.results.identity import MAX_INLINE_BYTES, digest_input, identify
from contract.messages import Options


def test_each_part_changes_the_identity() -> None:
    digest = hashlib.sha256(b"data").digest()
    options = Options()
    identities = {
        identify(digest, options, "v1"),
        identify(hashlib.sha256(b"other").digest(), options, "v1"),
        identify(digest, replace(options, quality=options.quality - 1), "v1"),
        identify(digest, replace(options, width=100), "v1"),
        identify(digest, replace(options, fit="cover"), "v1"),
        identify(digest, replace(options, gravity="north"), "v1"),
        identify(digest, options, "v2"),
    }
    assert len(identities) == 7
    assert all(len(identity) == 64 and int(identity, 16) for identity in identities)
    assert identify(digest, Options(), "v1") in identities


@pytest.mark.parametrize("size_bytes", [0, MAX_INLINE_BYTES, MAX_INLINE_BYTES + 1])
def test_an_upload_of_any_size_has_its_sha_256(size_bytes: int) -> None:
    data = bytes(size_bytes)
    assert asyncio.run(digest_input(data)) == hashlib.sha256(data).digest()
