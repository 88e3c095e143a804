"""Fetches a photo from elsewhere: nothing about its server is trusted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpcore2

from app.sources.allow_list import AllowList
from app.sources.pinned_network import PinnedNetwork, Resolve, Resolver
from app.sources.source_url import SourceUrl
from contract.errors import BodyTooLargeError, DeadlineError, ForbiddenSourceError, UpstreamError

MAX_REDIRECTS: Final = 3
REDIRECTS: Final = {301, 302, 303, 307, 308}
# identity: a compressed body is a bomb that no limit on received bytes sees, and no photo needs it.
REQUEST_HEADERS: Final = (
    (b"User-Agent", b"Foveate"),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),
)

Hold = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A fetched photo, and what its server says of it; headers as they came, "" if absent."""

    data: bytes
    last_modified: str
    cache_control: str


class Upstream:
    """One front-end process as a client of other servers."""

    def __init__(
        self,
        allowed: AllowList,
        *,
        max_bytes: int,
        timeout_s: float,
        read_timeout_s: float,
        resolve: Resolve | None = None,
    ) -> None:
        self._allowed = allowed
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._read_timeout_s = read_timeout_s
        self._resolver = Resolver()
        # No connection is kept: each fetch resolves and checks anew. No proxy of the environment
        # is asked: it would resolve by itself.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpcore2.default_ssl_context(),
            max_connections=None,
            max_keepalive_connections=0,
            http1=True,
            http2=False,
            network_backend=PinnedNetwork(allowed, resolve or self._resolver),
        )

    async def close(self) -> None:
        """End all connections."""
        await self._pool.aclose()
        self._resolver.close()

    async def fetch(self, url: SourceUrl, hold: Hold) -> Source:
        """Return what lies at ``url``, redirects followed; ``hold`` is told of each size reached.

        Raises:
            ForbiddenSourceError: when it, or a redirect, leads where nothing may be fetched.
            BodyTooLargeError: as soon as more than the limit is announced or arrives.
            UpstreamError: when the server can't be reached or answers anything but a plain 200.
            DeadlineError: when one read, or all of it together, takes too long.
            QueueFullError: when ``hold`` refuses.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(MAX_REDIRECTS + 1):
                    found = await self._get(url, hold)
                    if isinstance(found, Source):
                        return found
                    url = found
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise DeadlineError("The source took too long.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise UpstreamError(
                "The source can't be reached, or breaks off, or speaks no valid HTTP."
            ) from error
        raise UpstreamError(f"The source redirects more than {MAX_REDIRECTS} times.")

    async def _get(self, url: SourceUrl, hold: Hold) -> Source | SourceUrl:
        """Return the photo, or where a redirect leads."""
        self._allowed.check_url(url)
        async with self._answer(url) as answer:
            headers = joined(answer.headers)
            if answer.status in REDIRECTS:
                if "location" not in headers:
                    raise UpstreamError("The source redirects nowhere.")
                return url.join(headers["location"])
            if answer.status != 200:
                raise UpstreamError(f"The source answers {answer.status}.")
            if headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise UpstreamError("The source answers with a content encoding not asked for.")
            data = await self._read(answer, headers.get("content-length", ""), hold)
            return Source(data, headers.get("last-modified", ""), headers.get("cache-control", ""))

    @asynccontextmanager
    async def _answer(self, url: SourceUrl) -> AsyncIterator[httpcore2.Response]:
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._read_timeout_s)
        target = httpcore2.URL(
            scheme=url.scheme.encode(),
            host=url.host.encode(),
            port=url.port,
            target=url.target.encode(),
        )
        headers = [(b"Host", url.authority.encode()), *REQUEST_HEADERS]
        async with self._pool.stream(
            "GET", target, headers=headers, extensions={"timeout": timeouts}
        ) as answer:
            yield answer

    async def _read(self, answer: httpcore2.Response, announced: str, hold: Hold) -> bytes:
        if announced.isascii() and announced.isdigit():
            self._check_size(int(announced[:20]))
        data = bytearray()
        async for chunk in answer.aiter_stream():
            data += chunk
            self._check_size(len(data))
            hold(len(data))
        return bytes(data)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise BodyTooLargeError(f"The source has more than {self._max_bytes} bytes.")


def joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by their names in lower case, those given twice as one list (RFC 9110, 5.3).

    Raises:
        ForbiddenSourceError: when there are two places to go to: which one would be checked?
    """
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "location" and name in found:
            raise ForbiddenSourceError("The source redirects to two places.")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
