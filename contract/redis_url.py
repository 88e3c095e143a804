"""Checks Redis URLs, and describes them without their secrets."""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

# The options of redis-py that a query may have. Another name may be a part of a password.
QUERY_OPTIONS: Final = frozenset(
    {
        *("client_name", "db", "health_check_interval", "max_connections", "password", "protocol"),
        *("retry_on_timeout", "socket_connect_timeout", "socket_keepalive", "socket_read_size"),
        *("socket_timeout", "ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile"),
        *("ssl_check_hostname", "ssl_keyfile", "ssl_min_version", "timeout", "username"),
    }
)
SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
DEFAULT_PORT: Final = 6379


def check_redis_url(url: str) -> str:
    """Return ``url`` unchanged.

    Raises:
        ValueError: when it is not a Redis URL; the message has no part of it.
    """
    parse(url)
    return url


def describe_redis_url(url: str) -> str:
    """Return host and port, or the path of the socket, and the database of a valid URL."""
    parts = parse(url)
    database = parse_qs(parts.query).get("db", [""])[0]
    if parts.scheme == "unix":
        place = parts.path
    else:
        place = f"{parts.hostname or 'localhost'}:{parts.port or DEFAULT_PORT}"
        database = database or parts.path.strip("/")
    return f"{place}, database {database or 0}"


def parse(url: str) -> SplitResult:
    """Return the parts of a Redis URL.

    Raises:
        ValueError: as ``check_redis_url``.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    try:
        parts = urlsplit(url)
        valid = has_valid_place(parts) and has_valid_query(parts.query) and not parts.fragment
    except ValueError:
        valid = False
    if not valid:
        # Without the error's text and context: they quote the URL.
        raise ValueError(
            "it is not a Redis URL; in a password, write '/' as %2F, '?' as %3F, '#' as %23, "
            "'@' as %40 and '%' as %25"
        ) from None
    return parts


def has_valid_place(parts: SplitResult) -> bool:
    """Return whether host, port and database, or the socket, are valid.

    A password that is not escaped ends at its first `/`, and the rest of it looks like a path.

    Raises:
        ValueError: when the port is not one.
    """
    if parts.scheme == "unix":
        return bool(parts.path) and (not parts.netloc or parts.netloc.endswith("@"))
    return parts.port != 0 and bool(re.fullmatch(r"/?[0-9]*/?", parts.path))


def has_valid_query(query: str) -> bool:
    """Return whether the query has known options only, and numbers for those that are numbers."""
    options = parse_qs(query, keep_blank_values=True)
    numbers = [*options.get("db", []), *options.get("protocol", [])]
    return options.keys() <= QUERY_OPTIONS and all(map(str.isdecimal, numbers))
