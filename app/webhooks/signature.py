"""Signatures of webhooks as Standard Webhooks has them (https://www.standardwebhooks.com).

A signature is HMAC-SHA256 (RFC 2104) over ``id.timestamp.body`` in base64. Each key makes one, so that
receivers notice no change of keys.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
MIN_KEY_BYTES: Final = 24
MAX_KEY_BYTES: Final = 64


def parse_key(text: str) -> bytes:
    """Return the bytes of a key, which is ``whsec_`` and base64 of 24 to 64 bytes.

    Raises:
        ValueError: when it is not; the message has no part of it.
    """
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(
            f"each key needs to be {PREFIX} and {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes in base64"
        ) from None
    return key


def sign_headers(
    keys: Iterable[bytes], hook_id: str, timestamp_s: int, body: bytes
) -> list[tuple[bytes, bytes]]:
    """Return the headers that identify and sign one attempt to deliver ``body``."""
    text = f"{hook_id}.{timestamp_s}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, text, hashlib.sha256)) for key in keys]
    return [
        (b"webhook-id", hook_id.encode()),
        (b"webhook-timestamp", str(timestamp_s).encode()),
        (b"webhook-signature", b" ".join(b"v1," + signature for signature in signatures)),
    ]
