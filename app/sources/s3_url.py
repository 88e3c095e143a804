"""Names of photos in S3-compatible stores, ``s3://bucket/key``, and the URL of a store."""

import re
from dataclasses import dataclass
from typing import Final

from app.sources.source_url import SourceUrl, parse_source_url
from contract.errors import ForbiddenSourceError, MalformedRequestError

SCHEME: Final = "s3://"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET_PATTERN: Final = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
MAX_KEY_BYTES: Final = 1024
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class S3Object:
    """A bucket, and a key in it as it is, without escapes."""

    bucket: str
    key: str


def parse_s3_url(text: str) -> S3Object:
    """Return the object that ``s3://bucket/key`` names; nothing in the key has a meaning.

    Raises:
        MalformedRequestError: when the bucket's name or the key is not valid.
        ForbiddenSourceError: when servers could take the key for a path to another bucket.
    """
    bucket, slash, key = text.removeprefix(SCHEME).partition("/")
    if not text.startswith(SCHEME) or not slash or not re.fullmatch(BUCKET_PATTERN, bucket):
        raise MalformedRequestError("The source must be s3://BUCKET/KEY with a valid bucket name.")
    try:
        size_bytes = len(key.encode())
    except UnicodeEncodeError:
        size_bytes = 0
    if not 1 <= size_bytes <= MAX_KEY_BYTES or CONTROL.search(key):
        raise MalformedRequestError(
            f"The source's key must have 1 to {MAX_KEY_BYTES} bytes of UTF-8, no control characters."
        )
    if {".", ".."} & set(key.split("/")):
        raise ForbiddenSourceError("The source's key contains '.' or '..' as a segment.")
    return S3Object(bucket, key)


def parse_endpoint(text: str) -> SourceUrl:
    """Return the URL of a store, without path and query.

    Raises:
        ValueError: when it is not one; the message has no part of it.
    """
    try:
        url = parse_source_url(text)
    except (MalformedRequestError, ForbiddenSourceError):
        url = None
    if url is None or url.target != "/":
        raise ValueError("it must be http:// or https:// with a host, without path and user name")
    return url
