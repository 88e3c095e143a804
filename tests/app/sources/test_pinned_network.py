"""A name is resolved once, and a connection goes to one of the addresses that were checked."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterator

import httpcore2
import pytest

from app.sources.addresses import Address
from app.sources.allow_list import AllowList
from app.sources.pinned_network import PinnedNetwork, Resolver
from contract.errors import ForbiddenSourceError


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return a port on which 127.0.0.1 accepts connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


class Resolved:
    """A resolver that returns the same addresses each time."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = [ipaddress.ip_address(text) for text in addresses]
        self.calls = 0

    async def __call__(self, *_: object) -> list[Address]:
        self.calls += 1
        return self._addresses


def connect(resolve: object, port: int, timeout_s: float = 5) -> str:
    """Connect to a name; return the address that the connection goes to."""

    async def run() -> str:
        network = PinnedNetwork(AllowList(("*",), (80,), loopback_port=port), resolve)  # type: ignore[arg-type]
        stream = await network.connect_tcp("name.example", port, timeout_s)
        try:
            return str(stream.get_extra_info("server_addr")[0])
        finally:
            await stream.aclose()

    return asyncio.run(run())


def test_a_connection_goes_to_the_checked_address_without_another_look_up(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def refuse_names(host: str, *arguments: object, **named: object) -> object:
        ipaddress.ip_address(host)
        return real(host, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", refuse_names)
    resolve = Resolved("127.0.0.1")
    assert connect(resolve, port) == "127.0.0.1"
    assert resolve.calls == 1


def test_only_permitted_addresses_are_connected_to(port: int) -> None:
    mixed = Resolved("10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "127.0.0.1")
    assert connect(mixed, port) == "127.0.0.1"
    with pytest.raises(ForbiddenSourceError):
        connect(Resolved("10.0.0.1", "169.254.169.254"), port)


@pytest.mark.parametrize("addresses", [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_addresses_are_tried_in_their_order_until_one_accepts(
    port: int, addresses: tuple[str, ...]
) -> None:
    assert connect(Resolved(*addresses), port) == "127.0.0.1"


def test_a_name_that_does_not_resolve_is_a_connect_error(port: int) -> None:
    async def fail(*_: object) -> list[Address]:
        raise socket.gaierror(-2, "unknown")

    with pytest.raises(httpcore2.ConnectError):
        connect(fail, port)


def test_a_slow_resolver_is_a_timeout(port: int) -> None:
    async def hang(*_: object) -> list[Address]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(httpcore2.ConnectTimeout):
        connect(hang, port, timeout_s=0.05)


def test_the_systems_resolver_returns_each_address_once() -> None:
    async def run() -> list[Address]:
        resolver = Resolver()
        try:
            return await resolver("127.0.0.1", 80)
        finally:
            resolver.close()

    assert asyncio.run(run()) == [ipaddress.ip_address("127.0.0.1")]
