"""Only public unicast addresses are allowed, in every form of an address."""

import ipaddress

import pytest

from app.sources.addresses import is_loopback, is_public


@pytest.mark.parametrize(
    "text",
    [
        *("8.8.8.8", "93.184.215.14", "1.1.1.1", "223.255.255.255", "172.32.0.1", "11.0.0.0"),
        *("2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001:800::200e", "2001:4860::8888"),
    ],
)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        # loopback, this network, private, link-local with metadata, shared
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1"),
        *("172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.0.8"),
        # documentation, benchmarking, relays, multicast, reserved, broadcast
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255"),
        *("192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        # IPv6: loopback, unspecified, local, multicast, metadata
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254"),
        *("ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1"),
        # IPv6 that contains IPv4: mapped, compatible, translated, NAT64, 6to4, Teredo
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "2002:7f00:1::"),
        *("2002:808:808::", "2001:0:7f00:1::", "2001:0:808:808::"),
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


def test_only_two_addresses_are_loopback() -> None:
    texts = ("127.0.0.1", "::1", "127.0.0.2", "0.0.0.0", "::", "::ffff:127.0.0.1")
    found = [text for text in texts if is_loopback(ipaddress.ip_address(text))]
    assert found == ["127.0.0.1", "::1"]
