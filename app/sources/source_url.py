"""The URL of a photo elsewhere, read strictly: what two readers could take differently is refused.

A lenient reader is how checks are got round: one reads ``http://good@bad/``, another connects.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from contract.errors import ForbiddenSourceError, MalformedRequestError

MAX_URL_CHARS: Final = 4096
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# RFC 3986 without userinfo and fragment; names as they go into DNS, others in their A-label form.
SHAPE: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?P<query>\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
# WHATWG's rule: a host whose last label looks like a number is an IPv4 address or nothing.
NUMERIC_END: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """An absolute http or https URL; ``host`` in lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int
    target: str  # path and query, as they go into the request line

    @property
    def authority(self) -> str:
        """Host and, where it isn't the scheme's own, port, as ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> "SourceUrl":
        """Return where a redirect leads.

        Raises:
            ForbiddenSourceError: when it leads to something that ``parse_source_url`` refuses, or
                from https to http.
        """
        try:
            target = parse_source_url(urljoin(str(self), location.partition("#")[0]))
        except (MalformedRequestError, ValueError) as error:
            raise ForbiddenSourceError("A redirect leads to no valid URL.") from error
        if self.scheme == "https" and target.scheme != "https":
            raise ForbiddenSourceError("A redirect leads from https to http.")
        return target


def parse_source_url(text: str) -> SourceUrl:
    """Return ``text`` in its parts.

    Raises:
        MalformedRequestError: when it is no absolute URL, or has characters that belong escaped.
        ForbiddenSourceError: when its scheme is another one, it names a user, or its host is an IP
            address in any but the usual form (octal, hexadecimal, decimal, shortened).
    """
    if len(text) > MAX_URL_CHARS:
        raise MalformedRequestError(f"The source's URL has more than {MAX_URL_CHARS} characters.")
    scheme, mark, rest = text.partition("://")
    if mark and scheme.isalnum() and scheme.lower() not in DEFAULT_PORTS:
        raise ForbiddenSourceError("Sources are fetched by http and https only.")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if mark and "@" in authority:
        raise ForbiddenSourceError("The source's URL names a user.")
    found = SHAPE.fullmatch(scheme.lower() + mark + authority.lower() + rest[len(authority) :])
    if not found:
        raise MalformedRequestError("The source is no absolute URL of ASCII characters.")
    port = int(found["port"] or DEFAULT_PORTS[found["scheme"]])
    if not 0 < port < 2**16:
        raise MalformedRequestError("The source's URL has an impossible port.")
    target = (found["path"] or "/") + (found["query"] or "")
    return SourceUrl(found["scheme"], parse_host(found["host"]), port, target)


def parse_host(text: str) -> str:
    """Return a URL's host as the name, or the one usual form of the address, that it is.

    Raises:
        MalformedRequestError: when it is no IPv6 address, or no name that DNS can have.
        ForbiddenSourceError: when it is an IPv4 address in an unusual form.
    """
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError as error:
            raise MalformedRequestError("The source's host is no IPv6 address.") from error
    if NUMERIC_END.search(text):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError as error:
            raise ForbiddenSourceError(
                "The source's host is an address in an unusual form."
            ) from error
    host = text.removesuffix(".")
    if len(host) > 253 or any(len(label) > 63 for label in host.split(".")):
        raise MalformedRequestError("The source's host is too long for a name.")
    return host
