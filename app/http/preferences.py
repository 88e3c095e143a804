"""What a request's headers ask for: RFC 9110 (Accept, If-None-Match), RFC 7240 (Prefer)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from starlette.datastructures import Headers

Form = Literal["image/jpeg", "multipart/mixed", "application/json"]

# The first is taken where several are equally welcome.
FORMS: Final[tuple[Form, ...]] = ("image/jpeg", "multipart/mixed", "application/json")
# The headers that say how a response is to be.
PREFERENCE_HEADERS: Final = frozenset({b"accept", b"prefer", b"if-none-match", b"cache-control"})
# More entries than any client sends; each costs a comparison.
MAX_ENTRIES: Final = 64
# Longer headers are read anew each time: of many long ones, or of the thousands of tags in one, the
# memory would stay taken for as long as the process lives.
MAX_CACHED_BYTES: Final = 512

ENTITY_TAG: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a client wants its response.

    ``entity_tags`` are those it has already, without quotes. ``may_reuse``: a cached result will
    do; ``may_store``: its own may be cached.
    """

    form: Form
    detached: bool
    entity_tags: frozenset[str]
    may_reuse: bool
    may_store: bool


def parse_preferences(headers: Headers) -> Preferences:
    """Return what ``headers`` ask for; what makes no sense in them is passed over."""
    preferences = tuple(header for header in headers.raw if header[0] in PREFERENCE_HEADERS)
    if sum(len(value) for _, value in preferences) > MAX_CACHED_BYTES:
        return parse_cached.__wrapped__(preferences)
    return parse_cached(preferences)


@lru_cache(maxsize=64)
def parse_cached(preferences: tuple[tuple[bytes, bytes], ...]) -> Preferences:
    """Return what these headers ask for; most clients ask for the same."""
    headers = Headers(raw=list(preferences))
    cache = directives(headers, "cache-control")
    return Preferences(
        form=choose_form(",".join(headers.getlist("accept"))),
        detached="respond-async" in directives(headers, "prefer"),
        entity_tags=parse_entity_tags(headers),
        may_reuse=not cache & {"no-cache", "no-store"},
        may_store="no-store" not in cache,
    )


def choose_form(accept: str) -> Form:
    """Return the form with the highest weight; the JPEG where it is as welcome as another.

    An ``accept`` that allows none of them gets the JPEG as well (RFC 9110, 12.5.1, leaves that
    open): a photo was sent to become one.
    """
    weights = dict.fromkeys(FORMS, 0.0)
    specificity = dict.fromkeys(FORMS, -1)
    for entry in accept.lower().split(",")[:MAX_ENTRIES]:
        media_range, *parameters = (part.strip() for part in entry.split(";"))
        weight = parse_weight(parameters)
        for form in FORMS:
            patterns = ("*/*", form.partition("/")[0] + "/*", form)
            if media_range in patterns and patterns.index(media_range) > specificity[form]:
                specificity[form] = patterns.index(media_range)
                weights[form] = weight
    return max(FORMS, key=lambda form: weights[form])


def parse_weight(parameters: list[str]) -> float:
    """Return ``q`` from 0 to 1 (RFC 9110, 12.4.2); 1 where there is none that makes sense."""
    for parameter in parameters:
        name, _, value = parameter.replace(" ", "").partition("=")
        if name == "q" and re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", value):
            return float(value)
    return 1.0


def directives(headers: Headers, name: str) -> frozenset[str]:
    """Return the comma-separated words of a header in lower case, without their parameters."""
    words = ",".join(headers.getlist(name)).lower().split(",")[:MAX_ENTRIES]
    return frozenset(word.partition(";")[0].strip() for word in words)


def parse_entity_tags(headers: Headers) -> frozenset[str]:
    """Return the tags of ``If-None-Match``; ``*`` names none, for nothing is known before a photo."""
    value = ",".join(headers.getlist("if-none-match"))
    # Compared weakly (RFC 9110, 13.1.2): a proxy that compressed a response marks its tag so.
    return frozenset(match.group(1) for match in ENTITY_TAG.finditer(value))
