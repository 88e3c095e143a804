"""What a response tells caches, and what they ask (RFC 9110, 13; RFC 9111, 5.2)."""

import re
from email.utils import formatdate, parsedate_to_datetime

from starlette.datastructures import Headers

DIRECTIVE = re.compile(r'\s*([A-Za-z0-9-]+)\s*(?:=\s*"?([0-9]+)"?)?')
TAG = re.compile(r'(?:W/)?("[^"]*")')


def is_not_modified(headers: Headers, tag: str | None, last_modified: str) -> bool:
    """Return whether a client's copy is still right.

    ``If-None-Match`` is compared weakly; where it is given, a date counts for nothing. Dates are
    compared as RFC 9110 has it; what is no date never matches. ``tag`` None: not known yet.
    """
    wanted = headers.get("if-none-match")
    if wanted is not None:
        if tag is None:
            return False
        return wanted.strip() == "*" or tag in TAG.findall(wanted)
    since = seconds(headers.get("if-modified-since", ""))
    changed = seconds(last_modified)
    return since is not None and changed is not None and changed <= since


def http_date(text: str) -> str:
    """Return a date from another server in HTTP's own form, "" when it is none."""
    changed = seconds(text)
    return "" if changed is None else formatdate(changed, usegmt=True)


def seconds(date: str) -> float | None:
    """Return an HTTP date in seconds since 1970, None when it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def cache_control(upstream: str, max_age_s: int) -> str:
    """Return ``Cache-Control`` for a response made of a source that came with ``upstream``.

    What the source wants kept private, or not at all, isn't kept; nothing is kept for longer than
    it says, or than ``max_age_s``.
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
