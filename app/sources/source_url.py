"""URLs of photos on other servers, parsed strictly.

A URL that two parsers could understand differently is refused: the check could see one host, and
the connection go to another, as with ``http://good@bad/``. Characters of a path or query that a URL
can't contain are escaped first, so what is checked is what is requested.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from contract.errors import ForbiddenSourceError, MalformedRequestError

MAX_URL_CHARS: Final = 4096
DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# RFC 3986 without userinfo and fragment. International names are A-labels (RFC 5890), as in DNS.
URL_PATTERN: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?P<query>\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
# What browsers and curl send or escape although RFC 3986 does not allow it. Browsers leave [, ] and |
# as they are; strict servers refuse that, and all servers take the escapes for the same. Not a
# backslash, which browsers replace by a slash, and no control character.
UNESCAPED: Final = re.compile(r"""[ "<>\[\]^`{|}]|%(?![0-9A-Fa-f]{2})|[^\x00-\x7f]""")
SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# A host whose last label is numeric must be an IPv4 address (WHATWG URL, "ends in a number").
NUMERIC_END: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """An absolute http or https URL.

    ``host`` is in lower case; an IPv6 address has no brackets. ``target`` is path and query, as in
    the request line.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host, and port if it is not the scheme's default, as in a ``Host`` header."""
        host = self.bracketed_host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def bracketed_host(self) -> str:
        """The host as a URL has it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def join(self, location: str) -> "SourceUrl":
        """Return the target of a redirect to ``location``.

        Bytes of ``location`` that are not UTF-8 are surrogates (PEP 383).

        Raises:
            ForbiddenSourceError: when ``parse_source_url`` refuses it, or when it leads from https
                to http.
        """
        try:
            target = parse_source_url(self._resolve(location.partition("#")[0]))
        except MalformedRequestError as error:
            raise ForbiddenSourceError("A redirect leads to an invalid URL.") from error
        if self.scheme == "https" and target.scheme != "https":
            raise ForbiddenSourceError("A redirect leads from https to http.")
        path, mark, query = target.target.partition("?")
        return replace(target, target=f"{remove_dot_segments(path)}{mark}{query}")

    def _resolve(self, reference: str) -> str:
        """Return a reference as an absolute URL (RFC 3986, 5.2), with its dot segments.

        `urljoin` merges slashes, and takes ``https:///path`` for a path.
        """
        origin = f"{self.scheme}://{self.authority}"
        path = self.target.partition("?")[0]
        if SCHEME.match(reference):
            return reference
        if reference.startswith("//"):
            return f"{self.scheme}:{reference}"
        if reference.startswith("?"):
            return f"{origin}{path}{reference}"
        if not reference:
            return str(self)
        folder = "" if reference.startswith("/") else path[: path.rindex("/") + 1]
        return f"{origin}{folder}{reference}"


def parse_source_url(text: str) -> SourceUrl:
    """Parse an absolute http or https URL.

    Raises:
        MalformedRequestError: when it is not an absolute URL, has control characters, a backslash or
            a fragment, or its host is not in ASCII.
        ForbiddenSourceError: when it has another scheme, contains a user name, or its host is an
            IPv4 address in an unusual form (octal, hexadecimal, decimal, shortened).
    """
    if len(text) > MAX_URL_CHARS:
        raise MalformedRequestError(f"The source's URL has more than {MAX_URL_CHARS} characters.")
    scheme, mark, rest = text.partition("://")
    if mark and scheme.isalnum() and scheme.lower() not in DEFAULT_PORTS:
        raise ForbiddenSourceError("The source's URL must have the scheme http or https.")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if mark and "@" in authority:
        raise ForbiddenSourceError("The source's URL contains a user name.")
    found = URL_PATTERN.fullmatch(
        scheme.lower() + mark + authority.lower() + escape(rest[len(authority) :])
    )
    if not found:
        raise MalformedRequestError("The source is not an absolute URL with a host in ASCII.")
    port = int(found["port"] or DEFAULT_PORTS[found["scheme"]])
    if not 0 < port < 2**16:
        raise MalformedRequestError("The source's URL has an invalid port.")
    target = (found["path"] or "/") + (found["query"] or "")
    return SourceUrl(found["scheme"], parse_host(found["host"]), port, target)


def remove_dot_segments(path: str) -> str:
    """Return an absolute path without the segments ``.`` and ``..`` (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    *folders, name = path.split("/")[1:]
    for segment in [*folders, *([name, ""] if name in {".", ".."} else [name])]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def escape(text: str) -> str:
    """Return a path and query with the characters that RFC 3986 does not allow escaped as UTF-8."""
    return UNESCAPED.sub(lambda found: quote(found[0], errors="surrogateescape"), text)


def parse_host(text: str) -> str:
    """Return the host of a URL as a name, or as an IP address in its canonical form.

    Raises:
        MalformedRequestError: when it is an invalid IPv6 address, or too long for a name in DNS.
        ForbiddenSourceError: when it is an IPv4 address in an unusual form.
    """
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError as error:
            raise MalformedRequestError("The source's host is not an IPv6 address.") from error
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
