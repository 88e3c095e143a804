"""Photos in an S3-compatible store, of the buckets that the operator allows."""

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from app.sources.allow_list import OneServer
from app.sources.client import Upstream
from app.sources.s3_signature import Credentials, sign_get
from app.sources.s3_url import parse_s3_url
from app.sources.source_url import SourceUrl
from contract.errors import ForbiddenSourceError

# What Signature Version 4 leaves as it is.
UNESCAPED: Final = "/-._~"


class S3Store:
    """One store of which ``buckets`` may be read; ``upstream`` downloads what ``locate`` returns.

    The buckets are in the path (path-style requests), which every store understands.
    """

    def __init__(
        self,
        endpoint: SourceUrl,
        region: str,
        credentials: Credentials,
        buckets: tuple[str, ...],
        *,
        max_bytes: int,
        timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._endpoint = endpoint
        self._buckets = buckets
        self.upstream = Upstream(
            OneServer(endpoint),
            max_bytes=max_bytes,
            timeout_s=timeout_s,
            read_timeout_s=read_timeout_s,
            sign=lambda url: sign_get(url, credentials, region),
            # A redirect would lead to a server that the operator has not named.
            max_redirects=0,
        )

    def locate(self, text: str) -> SourceUrl:
        """Return the URL of the object that ``s3://bucket/key`` names.

        Raises:
            MalformedRequestError: as ``parse_s3_url``.
            ForbiddenSourceError: as ``parse_s3_url``, or when the bucket is not allowed.
        """
        found = parse_s3_url(text)
        if found.bucket not in self._buckets:
            raise ForbiddenSourceError("The source's bucket is not on the allow-list.")
        target = quote(f"/{found.bucket}/{found.key}", safe=UNESCAPED)
        return replace(self._endpoint, target=target)
