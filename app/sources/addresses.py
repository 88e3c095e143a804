"""The IP addresses that photos may be fetched from: public unicast addresses and no others.

The lists follow IANA's registries of special-purpose addresses (RFC 6890 and successors). They do
not use ``ipaddress``'s ``is_global``, which differs between Python versions and includes multicast.
"""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REFUSED_IPV4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # "this network"; 0.0.0.0 connects to this machine
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata service
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public address that a cloud uses for its platform service
            "169.254.0.0/16",  # link-local, with the metadata service of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",  # reserved, and the broadcast address
        ),
    )
)

# The block of global unicast addresses. Most forms that contain an IPv4 address lie outside of it:
# mapped (::ffff:0:0/96), compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48).
GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
REFUSED_IPV6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments; Teredo among them contains an IPv4 address
            "2001:db8::/32",
            "2002::/16",  # 6to4, contains an IPv4 address
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)


def is_public(address: Address) -> bool:
    """Return whether ``address`` is a unicast address of the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in REFUSED_IPV4)
    if address.scope_id is not None or address not in GLOBAL_IPV6:
        return False
    return not any(address in network for network in REFUSED_IPV6)


def is_loopback(address: Address) -> bool:
    """Return whether ``address`` is exactly 127.0.0.1 or ::1, in no mapped or other form."""
    return str(address) in {"127.0.0.1", "::1"}
