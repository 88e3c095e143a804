"""Conditional requests (RFC 9110, 13) and Cache-Control (RFC 9111, 5.2)."""

import re
import time
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

from starlette.datastructures import Headers

DIRECTIVE: Final = re.compile(r'([^\s,;="]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?')
# A longer Cache-Control is not read; it counts as no-store.
MAX_CACHE_CONTROL_CHARS: Final = 1000
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


def choose_cache_control(source: Mapping[str, str], max_age_s: int) -> str:
    """Return the ``Cache-Control`` of a response whose source had these headers (lower-case names).

    It is never less restrictive than the source's, and allows at most ``max_age_s``.
    """
    given = parse_directives(source)
    if not may_store(source):
        return "no-store"
    if "no-cache" in given:
        return "no-cache"
    lifetime_s = read_lifetime_s(source, given)
    if lifetime_s is not None:
        age = source.get("age", "")
        left_s = lifetime_s - (int(age[:20]) if is_number(age) else 0)
        max_age_s = max(0, min(max_age_s, left_s))
    kept = [name for name in ("must-revalidate", "proxy-revalidate") if name in given]
    return ", ".join(["public", f"max-age={max_age_s}", *kept])


def may_store(source: Mapping[str, str]) -> bool:
    """Return whether caches that serve several clients may store what a source responded with."""
    return not parse_directives(source).keys() & {"no-store", "private"}


def parse_directives(source: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the values of each directive of ``Cache-Control``, "" for one without."""
    text = source.get("cache-control", "")
    if len(text) > MAX_CACHE_CONTROL_CHARS:
        return {"no-store": [""]}
    given: dict[str, list[str]] = {}
    for name, quoted, token in DIRECTIVE.findall(text):
        given.setdefault(name.lower(), []).append(quoted or token)
    return given


def read_lifetime_s(source: Mapping[str, str], given: Mapping[str, list[str]]) -> int | None:
    """Return how long caches may keep a response (RFC 9111, 4.2.1), None if it does not say.

    An invalid value counts as 0, and of several the least counts.
    """
    for name in ("s-maxage", "max-age"):
        if name in given:
            return min(int(value) if is_number(value) else 0 for value in given[name])
    if "expires" not in source:
        return None
    expires_s, date_s = parse_date(source["expires"]), parse_date(source.get("date", ""))
    return 0 if expires_s is None else int(expires_s - (date_s or time.time()))


def is_number(text: str) -> bool:
    """Return whether ``text`` is a whole number as HTTP writes it."""
    return text.isascii() and text.isdigit()
