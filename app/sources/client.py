"""Downloads a photo from another server, whose responses are not trusted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpcore2

from app.sources.allow_list import Allowed
from app.sources.pinned_network import Resolve, Resolver, create_pool, to_target
from app.sources.source_url import SourceUrl
from contract.errors import BodyTooLargeError, DeadlineError, ForbiddenSourceError, UpstreamError

MAX_REDIRECTS: Final = 3
REDIRECTS: Final = {301, 302, 303, 307, 308}
# Content codings that do not change the body. Object stores repeat `aws-chunked`, the upload's framing.
NO_CODINGS: Final = {"", "identity", "aws-chunked"}
# No content encoding: a small compressed body may expand to any size, and photos don't need one.
REQUEST_HEADERS: Final = (
    (b"User-Agent", b"Foveate"),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),
)
# An unknown coding is cut in the error message.
MAX_CODING_CHARS: Final = 40

Allocate = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A downloaded photo and the headers of its response by lower-case name."""

    data: bytes
    headers: Mapping[str, str]


class Upstream:
    """Downloads photos within limits on hosts, bytes and time.

    ``read_timeout_s`` limits connecting and each read, ``timeout_s`` a download with its redirects.
    ``sign`` returns headers that sign the request.
    """

    def __init__(
        self,
        allowed: Allowed,
        *,
        max_bytes: int,
        timeout_s: float,
        read_timeout_s: float,
        resolve: Resolve | None = None,
        sign: Callable[[SourceUrl], list[tuple[bytes, bytes]]] | None = None,
        max_redirects: int = MAX_REDIRECTS,
    ) -> None:
        self._allowed = allowed
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._read_timeout_s = read_timeout_s
        self._sign = sign
        self._max_redirects = max_redirects
        self._resolver = Resolver()
        self._pool = create_pool(allowed, resolve or self._resolver)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        self._resolver.close()

    async def fetch(self, url: SourceUrl, allocate: Allocate) -> Source:
        """Return the photo at ``url``; redirects are followed.

        ``allocate`` is called with the bytes received so far, after each part of the body.

        Raises:
            ForbiddenSourceError: when the URL or a redirect is not allowed.
            BodyTooLargeError: as soon as more bytes than the limit are announced or received.
            UpstreamError: when the server can't be reached, or its response is not a valid 200.
            DeadlineError: when one read or the whole download takes too long.
            QueueFullError: when ``allocate`` raises it.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                for _ in range(self._max_redirects + 1):
                    found = await self._get(url, allocate)
                    if isinstance(found, Source):
                        return found
                    url = found
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise DeadlineError("The source took too long.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise UpstreamError(
                "The source can't be reached, closes the connection early, or sends invalid HTTP."
            ) from error
        raise UpstreamError(f"The source redirects more than {self._max_redirects} times.")

    async def _get(self, url: SourceUrl, allocate: Allocate) -> Source | SourceUrl:
        """Return the photo, or the target of a redirect."""
        self._allowed.check_url(url)
        async with self._open(url) as response:
            headers = join_headers(response.headers)
            if response.status in REDIRECTS:
                if "location" not in headers:
                    raise UpstreamError("The source redirects without a location.")
                location = headers["location"].encode("latin-1")
                return url.join(location.decode("utf-8", "surrogateescape"))
            if response.status != 200:
                raise UpstreamError(f"The source responds with status {response.status}.")
            check_encoding(headers.get("content-encoding", ""))
            data = await self._read(response, headers.get("content-length", ""), allocate)
            return Source(data, headers)

    @asynccontextmanager
    async def _open(self, url: SourceUrl) -> AsyncIterator[httpcore2.Response]:
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._read_timeout_s)
        headers = [(b"Host", url.authority.encode()), *REQUEST_HEADERS]
        if self._sign:
            headers += self._sign(url)
        async with self._pool.stream(
            "GET", to_target(url), headers=headers, extensions={"timeout": timeouts}
        ) as response:
            yield response

    async def _read(
        self, response: httpcore2.Response, announced: str, allocate: Allocate
    ) -> bytes:
        if announced.isascii() and announced.isdigit():
            self._check_size(int(announced[:20]))
        data = bytearray()
        async for chunk in response.aiter_stream():
            data += chunk
            self._check_size(len(data))
            allocate(len(data))
        return bytes(data)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise BodyTooLargeError(f"The source has more than {self._max_bytes} bytes.")


def check_encoding(content_encoding: str) -> None:
    """Check that the body is not compressed.

    Raises:
        UpstreamError: when ``content_encoding`` lists a coding that changes the body.
    """
    for coding in content_encoding.lower().split(","):
        if coding.strip() not in NO_CODINGS:
            name = ascii(coding.strip()[:MAX_CODING_CHARS])
            raise UpstreamError(
                f"The source responds with the content encoding {name}, which was not requested."
            )


def join_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined by commas (RFC 9110, 5.3).

    Raises:
        ForbiddenSourceError: when there are two ``Location`` headers.
    """
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "location" and name in found:
            raise ForbiddenSourceError("The source redirects to two locations.")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
