"""The hosts and ports that photos may be fetched from, and the addresses that hosts resolve to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from app.sources.addresses import Address, is_loopback, is_public
from app.sources.source_url import SourceUrl
from contract.errors import ForbiddenSourceError


class Allowed(Protocol):
    """What may be connected to."""

    def check_url(self, url: SourceUrl) -> None:
        """Check the host and the port of ``url``.

        Raises:
            ForbiddenSourceError: when one of them is not allowed.
        """

    def select_permitted(self, addresses: Iterable[Address], port: int) -> list[Address]:
        """Return the addresses of a host that may be connected to.

        Raises:
            ForbiddenSourceError: when there is none.
        """


@dataclass(frozen=True, slots=True)
class AllowList:
    """What ``FETCH_HOSTS`` and ``FETCH_PORTS`` allow.

    ``hosts`` has names, ``*.name`` for all subdomains of a name, or ``*`` for every public host.
    Photos may also be fetched from ``loopback_port`` of this machine, for tests.
    """

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    loopback_port: int | None = None

    def check_url(self, url: SourceUrl) -> None:
        """Check the host and the port of ``url``.

        Raises:
            ForbiddenSourceError: when one of them is not on the list.
        """
        if not any(matches_host(pattern, url.host) for pattern in self.hosts):
            raise ForbiddenSourceError("The source's host is not on the allow-list.")
        if url.port not in self.ports and url.port != self.loopback_port:
            raise ForbiddenSourceError("The source's port is not on the allow-list.")

    def select_permitted(self, addresses: Iterable[Address], port: int) -> list[Address]:
        """Return the addresses of a host that may be connected to.

        Raises:
            ForbiddenSourceError: when there is none.
        """
        chosen = [address for address in addresses if self._allows(address, port)]
        if not chosen:
            # The message names no address: that would reveal the internal network.
            raise ForbiddenSourceError("The source's host has no public address.")
        return chosen

    def _allows(self, address: Address, port: int) -> bool:
        if self.loopback_port is not None and port == self.loopback_port and is_loopback(address):
            return True
        return port in self.ports and is_public(address)


@dataclass(frozen=True, slots=True)
class OneServer:
    """The server of ``url``, which the operator has named, at any address: it may be in a private network."""

    url: SourceUrl

    def check_url(self, url: SourceUrl) -> None:
        """Check that ``url`` is on this server.

        Raises:
            ForbiddenSourceError: when it is elsewhere.
        """
        here = self.url
        if (url.scheme, url.host, url.port) != (here.scheme, here.host, here.port):
            raise ForbiddenSourceError("The source is on another server.")

    def select_permitted(self, addresses: Iterable[Address], port: int) -> list[Address]:
        """Return all addresses.

        Raises:
            ForbiddenSourceError: when there is none, or ``port`` is another one.
        """
        chosen = list(addresses)
        if not chosen or port != self.url.port:
            raise ForbiddenSourceError("The source is on another server.")
        return chosen


def matches_host(pattern: str, host: str) -> bool:
    """Return whether ``pattern`` allows ``host``; ``*.name`` does not allow ``name`` itself."""
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) >= len(pattern)
    return host == pattern
