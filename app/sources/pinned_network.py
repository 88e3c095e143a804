"""Connections for httpcore2 that go only to addresses that were checked.

A name is resolved once for each connection, and the checked address itself is connected to. So a
name server that returns another address the next time (DNS rebinding) has no effect.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpcore2

from app.sources.addresses import Address
from app.sources.allow_list import Allowed
from app.sources.source_url import SourceUrl

# At most this many addresses of a name are tried.
MAX_ADDRESSES: Final = 3
# These threads are separate from the event loop's, so names that resolve slowly delay no upload.
RESOLVER_THREADS: Final = 16

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class Resolver:
    """The system's resolver, run in its own threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> list[Address]:
        """Return a host's addresses in the order in which to try them.

        Raises:
            OSError: when the name can't be resolved.
        """
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        addresses = [ipaddress.ip_address(address[0]) for *_, address in found]
        return list(dict.fromkeys(addresses))

    def close(self) -> None:
        """Stop the threads without waiting for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class PinnedNetwork(httpcore2.AsyncNetworkBackend):
    """Resolves a name, checks its addresses, and connects to one of them.

    TLS still verifies the name in the URL.
    """

    def __init__(self, allowed: Allowed, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - a parameter of the base class
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return a connection to ``host``.

        Raises:
            ForbiddenSourceError: when none of its addresses is allowed.
            httpcore2.ConnectError: when the name can't be resolved or no address accepts.
            httpcore2.ConnectTimeout: when either takes longer than ``timeout``.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("the name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the name can't be resolved") from error
        permitted = self._allowed.select_permitted(addresses, port)[:MAX_ADDRESSES]
        for address in permitted[:-1]:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(
            str(permitted[-1]), port, timeout, local_address, socket_options
        )


def create_pool(allowed: Allowed, resolve: Resolve) -> httpcore2.AsyncConnectionPool:
    """Return connections to allowed hosts only.

    None is kept, so that each request resolves and checks the name again. Proxies of the environment are
    not used, because they would resolve names themselves.
    """
    return httpcore2.AsyncConnectionPool(
        ssl_context=httpcore2.default_ssl_context(),
        max_connections=None,
        max_keepalive_connections=0,
        http1=True,
        http2=False,
        network_backend=PinnedNetwork(allowed, resolve),
    )


def to_target(url: SourceUrl) -> httpcore2.URL:
    """Return a URL as httpcore2 wants it."""
    return httpcore2.URL(
        scheme=url.scheme.encode(),
        host=url.host.encode(),
        port=url.port,
        target=url.target.encode(),
    )
