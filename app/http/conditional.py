"""Conditional requests (RFC 9110, 13) and Cache-Control (RFC 9111, 5.2)."""

import re
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

from starlette.datastructures import Headers

DIRECTIVE: Final = re.compile(r'\s*([A-Za-z0-9-]+)\s*(?:=\s*"?([0-9]+)"?)?')
TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def is_not_modified(headers: Headers, tag: str | None, last_modified: str) -> bool:
    """Return whether the client's copy is still valid, so that the response is 304.

    ``If-None-Match`` is compared weakly and takes precedence over ``If-Modified-Since``. An invalid
    date never matches. ``tag`` includes its quotes; None if it is not known yet.
    """
    wanted = headers.get("if-none-match")
    if wanted is not None:
        if tag is None:
            return False
        return wanted.strip() == "*" or tag in TAG.findall(wanted)
    since = parse_date(headers.get("if-modified-since", ""))
    changed = parse_date(last_modified)
    return since is not None and changed is not None and changed <= since


def normalise_date(text: str) -> str:
    """Return a date in HTTP's preferred form (RFC 9110, 5.6.7), "" when it is invalid."""
    changed = parse_date(text)
    return "" if changed is None else formatdate(changed, usegmt=True)


def parse_date(date: str) -> float | None:
    """Return an HTTP date in seconds since 1970, None when it is invalid."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def choose_cache_control(upstream: str, max_age_s: int) -> str:
    """Return the ``Cache-Control`` of a response whose source had ``upstream``.

    It is never less restrictive than the source's, and allows at most ``max_age_s``.
    """
    given = {
        name.lower(): int(value) if value else None
        for name, value in DIRECTIVE.findall(upstream[:1000])
    }
    if given.keys() & {"no-store", "private"}:
        return "no-store"
    if "no-cache" in given:
        return "no-cache"
    ages = [age for name in ("s-maxage", "max-age") if (age := given.get(name)) is not None]
    return (
        f"public, max-age={min(max_age_s, *ages[:1])}" if ages else f"public, max-age={max_age_s}"
    )
