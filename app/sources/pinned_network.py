"""Connections for httpcore2 that go to an address that was checked, and to no other.

A name is resolved once for each connection, here; what was checked is what is connected to. A name
server that answers differently the next time (DNS rebinding) is not asked a next time.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpcore2

from app.sources.addresses import Address
from app.sources.allow_list import AllowList

# Of a name with many addresses, this many are tried.
MAX_ADDRESSES: Final = 3
# Names that take long to resolve may keep one another waiting, but no upload: those use the
# event loop's own threads.
RESOLVER_THREADS: Final = 16

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class Resolver:
    """The system's resolver, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> list[Address]:
        """Return a host's addresses, in the order in which they should be tried; raises OSError."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        addresses = [ipaddress.ip_address(address[0]) for *_, address in found]
        return list(dict.fromkeys(addresses))

    def close(self) -> None:
        """Let the threads end, without waiting for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class PinnedNetwork(httpcore2.AsyncNetworkBackend):
    """Resolves, checks, connects; TLS still verifies the name that the URL has."""

    def __init__(self, allowed: AllowList, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class names it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return a connection to ``host``.

        Raises:
            ForbiddenSourceError: when none of its addresses is allowed.
            httpcore2.ConnectError, httpcore2.ConnectTimeout: when there is no connection.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("the name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the name can't be resolved") from error
        permitted = self._allowed.permitted(addresses, port)[:MAX_ADDRESSES]
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
