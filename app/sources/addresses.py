"""Which addresses a photo may be fetched from: public unicast ones and no others.

The lists follow IANA's registries of special-purpose addresses (RFC 6890 and successors) and
stand here in full: what ``ipaddress`` calls global differs between versions of Python, and counts
multicast in.
"""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REFUSED_IPV4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # "this network"; 0.0.0.0 reaches this machine
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT, and one cloud's metadata service
            "127.0.0.0/8",
            "168.63.129.16/32",  # public in form, but another cloud's platform service
            "169.254.0.0/16",  # link-local: most clouds' metadata service
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

# All that is handed out lies in here. What carries an IPv4 address inside doesn't, for the most
# part: mapped (::ffff:0:0/96), compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48).
GLOBAL_IPV6: Final = ipaddress.IPv6Network("2000::/3")
REFUSED_IPV6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments, among them Teredo, which carries IPv4
            "2001:db8::/32",
            "2002::/16",  # 6to4, which carries IPv4
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
    """Return whether ``address`` is 127.0.0.1 or ::1 themselves; no other form of them counts."""
    return str(address) in {"127.0.0.1", "::1"}
