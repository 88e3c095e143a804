"""Signatures of /fetch URLs: whoever has the key decides what is fetched, and nobody else.

HMAC-SHA256 (RFC 2104) over ``options/url``, both unescaped, in base64url without padding
(RFC 4648, 5). What a proxy on the way does to a path's escapes can't break it.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import quote

from app.path_options import NO_OPTIONS
from contract.errors import BadSignatureError


def sign(key: bytes, options: str, url: str) -> str:
    """Return the signature of a source and its options."""
    digest = hmac.digest(key, f"{options}/{url}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def verify(keys: Iterable[bytes], signature: str, options: str, url: str) -> None:
    """Return when one of ``keys`` has made ``signature``; each is tried, so time tells nothing.

    Raises:
        BadSignatureError: when none has.
    """
    given = signature.encode("utf-8", "replace")
    fits = [hmac.compare_digest(given, sign(key, options, url).encode()) for key in keys]
    if not any(fits):
        raise BadSignatureError("No key has signed these options and this source.")


def signed_path(key: bytes, url: str, options: str = NO_OPTIONS) -> str:
    """Return the path under which a service with ``key`` answers the photo at ``url``.

    ``options`` are those of POST /compress as ``name=value``, with commas between.
    """
    options = options or NO_OPTIONS
    return f"/fetch/{sign(key, options, url)}/{options}/{quote(url, safe='')}"
