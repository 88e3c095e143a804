"""Sends webhooks to other servers, which are not trusted: the rules of /fetch, and no redirects."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final, Literal

import httpcore2

from app.sources.allow_list import AllowList
from app.sources.pinned_network import Resolve, Resolver, create_pool, to_target
from app.sources.source_url import SourceUrl, parse_source_url
from app.webhooks.signature import sign_headers
from contract.errors import ForbiddenSourceError, InvalidOptionError, MalformedRequestError

log = logging.getLogger(__name__)

# As long as a field of a form may be.
MAX_URL_CHARS: Final = 1000
GONE: Final = 410
HEADERS: Final = (
    (b"Content-Type", b"application/json"),
    (b"User-Agent", b"Foveate"),
    (b"Accept-Encoding", b"identity"),
)

# `refused`: the receiver wants it no more.
Answer = Literal["delivered", "failed", "refused"]


class Receivers:
    """The servers that webhooks may be sent to; an attempt takes at most ``timeout_s``."""

    def __init__(
        self,
        allowed: AllowList,
        keys: Sequence[bytes],
        *,
        timeout_s: float,
        resolve: Resolve | None = None,
    ) -> None:
        self._allowed = allowed
        self._keys = keys
        self._timeout_s = timeout_s
        self._resolver = Resolver()
        self._pool = create_pool(allowed, resolve or self._resolver)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        self._resolver.close()

    def check(self, text: str) -> SourceUrl:
        """Return the URL of a webhook.

        Raises:
            InvalidOptionError: when it is malformed, too long or not allowed.
        """
        if len(text) > MAX_URL_CHARS:
            raise InvalidOptionError(f"'webhook' has more than {MAX_URL_CHARS} characters")
        try:
            url = parse_source_url(text)
            self._allowed.check_url(url)
        except MalformedRequestError as error:
            raise InvalidOptionError(
                "'webhook' must be an absolute URL with http:// or https:// and a host in ASCII"
            ) from error
        except ForbiddenSourceError as error:
            raise InvalidOptionError(
                "'webhook': its host or port is not on the allow-list of this service"
            ) from error
        return url

    async def send(self, url: SourceUrl, hook_id: str, body: bytes) -> Answer:
        """Send ``body`` once. Only the status of the response counts; its body is not read."""
        headers = [
            (b"Host", url.authority.encode()),
            *HEADERS,
            (b"Content-Length", str(len(body)).encode()),
            *sign_headers(self._keys, hook_id, int(time.time()), body),
        ]
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        try:
            self._allowed.check_url(url)
            async with (
                asyncio.timeout(self._timeout_s),
                self._pool.stream(
                    "POST",
                    to_target(url),
                    headers=headers,
                    content=body,
                    extensions={"timeout": timeouts},
                ) as response,
            ):
                status = response.status
        except (
            TimeoutError,
            ForbiddenSourceError,
            httpcore2.TimeoutException,
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
        ) as error:
            log.info("a webhook to %s failed: %s", url.host, type(error).__name__)
            return "failed"
        if 200 <= status < 300:
            return "delivered"
        log.info("a webhook to %s got status %d", url.host, status)
        return "refused" if status == GONE else "failed"
