"""Signatures of ``/fetch`` URLs: only holders of a key decide what is fetched.

A signature is HMAC-SHA256 (RFC 2104) over ``options/url``, both unescaped, in base64url without
padding (RFC 4648, section 5). A proxy that changes the escaping of the path does not break it.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import quote

from app.path_options import NO_OPTIONS
from contract.errors import BadSignatureError


def sign(key: bytes, options: str, url: str) -> str:
    """Return the signature of the options and the URL of a source."""
    digest = hmac.digest(key, f"{options}/{url}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


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
    return f"/fetch/{sign(key, options, url)}/{options}/{quote(url, safe='')}"
