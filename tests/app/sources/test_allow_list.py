"""Hosts and ports are allowed only as the list names them, addresses only if they are public."""

import ipaddress

import pytest

from app.sources.allow_list import AllowList, OneServer
from app.sources.source_url import parse_source_url
from contract.errors import ForbiddenSourceError

PUBLIC = ipaddress.ip_address("8.8.8.8")
PRIVATE = ipaddress.ip_address("10.0.0.1")
LOOPBACK = ipaddress.ip_address("127.0.0.1")


@pytest.mark.parametrize(
    ("host", "patterns"),
    [
        ("a.example", ("b.example", "a.example")),
        ("x.a.example", ("*.a.example",)),
        ("x.y.a.example", ("*.a.example",)),
        ("anything.example", ("*",)),
    ],
)
def test_a_listed_host_is_allowed(host: str, patterns: tuple[str, ...]) -> None:
    AllowList(patterns, (80,)).check_url(parse_source_url(f"http://{host}/"))


@pytest.mark.parametrize(
    ("host", "patterns"),
    [
        ("a.example", ("*.a.example",)),
        ("evila.example", ("*.a.example", "a.example")),
        ("a.example.evil", ("a.example", "*.a.example")),
        ("a.example", ()),
    ],
)
def test_another_host_is_forbidden(host: str, patterns: tuple[str, ...]) -> None:
    with pytest.raises(ForbiddenSourceError):
        AllowList(patterns, (80,)).check_url(parse_source_url(f"http://{host}/"))


def test_only_listed_ports_are_allowed() -> None:
    allowed = AllowList(("*",), (80, 8443), loopback_port=9000)
    for port in (80, 8443, 9000):
        allowed.check_url(parse_source_url(f"https://a.example:{port}/"))
    with pytest.raises(ForbiddenSourceError):
        allowed.check_url(parse_source_url("https://a.example/"))


def test_only_public_addresses_are_permitted() -> None:
    allowed = AllowList(("*",), (80,))
    assert allowed.select_permitted([PRIVATE, PUBLIC, LOOPBACK], 80) == [PUBLIC]
    with pytest.raises(ForbiddenSourceError) as caught:
        allowed.select_permitted([PRIVATE, LOOPBACK], 80)
    assert str(PRIVATE) not in caught.value.detail


def test_loopback_is_permitted_at_its_port_only() -> None:
    allowed = AllowList(("*",), (80,), loopback_port=9000)
    assert allowed.select_permitted([PUBLIC, LOOPBACK], 9000) == [LOOPBACK]
    assert allowed.select_permitted([PUBLIC, LOOPBACK], 80) == [PUBLIC]


def test_one_server_is_allowed_at_any_address_and_nothing_else() -> None:
    allowed = OneServer(parse_source_url("https://store.example:9000/"))
    allowed.check_url(parse_source_url("https://store.example:9000/bucket/key"))
    for url in (
        "http://store.example:9000/",
        "https://store.example/",
        "https://other.example:9000/",
        "https://a.store.example:9000/",
    ):
        with pytest.raises(ForbiddenSourceError):
            allowed.check_url(parse_source_url(url))
    private = [ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("fd00::1")]
    assert allowed.select_permitted(private, 9000) == private
    for addresses, port in ((private, 443), ([], 9000)):
        with pytest.raises(ForbiddenSourceError):
            allowed.select_permitted(addresses, port)
