"""Signatures of ``/fetch`` URLs: only holders of a key decide what is fetched.

A signature is HMAC-SHA256 (RFC 2104) over ``options/url``, both unescaped, in base64url without
padding (RFC 4648, section 5). In the path the URL is in base64url, too: proxies change escapes and
merge slashes. The URL itself is accepted as well, for those who sign by hand.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from app.path_options import NO_OPTIONS
from contract.errors import BadSignatureError

# What is left of https:// by a proxy that merges slashes.
MERGED_SLASHES: Final = re.compile(r"^(https?|s3):/(?!/)", re.IGNORECASE)


def sign(key: bytes, options: str, url: str) -> str:
    """Return the signature of the options and the URL of a source."""
    digest = hmac.digest(key, f"{options}/{url}".encode(), hashlib.sha256)
    return to_base64url(digest)


def verify(keys: Iterable[bytes], signature: str, options: str, url: str) -> None:
    """Check that ``signature`` was made with one of ``keys``.

    All keys are compared, each in constant time, so that the duration reveals nothing.

    Raises:
        BadSignatureError: when no key matches.
    """
    given = signature.encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, sign(key, options, url).encode()) for key in keys]
    if not any(matches):
        raise BadSignatureError("The signature does not match these options and this source.")


def signed_path(key: bytes, url: str, options: str = NO_OPTIONS) -> str:
    """Return the path under which a service that has ``key`` serves the photo at ``url``.

    ``options`` are those of ``POST /compress`` as ``name=value``, separated by commas.
    """
    options = options or NO_OPTIONS
    return f"/fetch/{sign(key, options, url)}/{options}/{to_base64url(url.encode())}"


def read_source(text: str) -> str:
    """Return the URL in the last part of a path, where it is in base64url or as it is.

    Only the canonical base64url, without padding and spare bits, is decoded: a URL has one such path.
    """
    if ":" in text:
        return MERGED_SLASHES.sub(r"\1://", text)
    try:
        url = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return url.decode() if to_base64url(url) == text else text
    except ValueError:
        return text


def to_base64url(data: bytes) -> str:
    """Return ``data`` in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
