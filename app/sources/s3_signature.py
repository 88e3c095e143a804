"""Signatures of requests to S3: AWS Signature Version 4, as far as a GET without a query needs it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from app.sources.source_url import SourceUrl

ALGORITHM: Final = "AWS4-HMAC-SHA256"
EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; temporary ones have a session token."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def sign_get(
    url: SourceUrl, credentials: Credentials, region: str, now: datetime | None = None
) -> list[tuple[bytes, bytes]]:
    """Return the headers that sign a GET of ``url``, whose target is an escaped path without a query."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    headers = {"x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": moment}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    # Both in alphabetical order.
    signed = {"host": url.authority, **headers}
    names = ";".join(signed)
    canonical = "\n".join(
        [
            *("GET", url.target, ""),
            *(f"{name}:{value}" for name, value in signed.items()),
            *("", names, EMPTY_SHA256),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    authorization = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return [
        (name.encode(), value.encode())
        for name, value in {**headers, "Authorization": authorization}.items()
    ]
