"""Where photos may be fetched from: hosts, ports, and the addresses that they resolve to."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.sources.addresses import Address, is_loopback, is_public
from app.sources.source_url import SourceUrl
from contract.errors import ForbiddenSourceError


@dataclass(frozen=True, slots=True)
class AllowList:
    """``hosts`` are names, ``*.name`` for everything below one, or ``*`` for every public host.

    ``loopback_port``: this one port of this machine may be fetched from as well, for tests.
    """

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    loopback_port: int | None = None

    def check_url(self, url: SourceUrl) -> None:
        """Return when ``url``'s host and port are on the list.

        Raises:
            ForbiddenSourceError: when they aren't.
        """
        if not any(matches(pattern, url.host) for pattern in self.hosts):
            raise ForbiddenSourceError("The source's host is not on the allow-list.")
        if url.port not in self.ports and url.port != self.loopback_port:
            raise ForbiddenSourceError("The source's port is not on the allow-list.")

    def permitted(self, addresses: Iterable[Address], port: int) -> list[Address]:
        """Return those of a host's addresses that may be connected to.

        Raises:
            ForbiddenSourceError: when there is none.
        """
        chosen = [address for address in addresses if self._allows(address, port)]
        if not chosen:
            # Which address it was is nobody's business: it would map the network behind us.
            raise ForbiddenSourceError("The source's host has no public address.")
        return chosen

    def _allows(self, address: Address, port: int) -> bool:
        if self.loopback_port is not None and port == self.loopback_port and is_loopback(address):
            return True
        return port in self.ports and is_public(address)


def matches(pattern: str, host: str) -> bool:
    """Return whether ``host`` is what ``pattern`` means; ``*.name`` is not ``name`` itself."""
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) >= len(pattern)
    return host == pattern
