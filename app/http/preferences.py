"""The response that a client prefers, by its headers (RFC 9110, 9111 and 7240)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from starlette.datastructures import Headers

MediaType = Literal["image/jpeg", "multipart/mixed", "application/json"]

# In order of our preference, for equal weights.
MEDIA_TYPES: Final[tuple[MediaType, ...]] = ("image/jpeg", "multipart/mixed", "application/json")
AVIF: Final = "image/avif"
# The headers that are parsed here.
PREFERENCE_HEADERS: Final = frozenset({b"accept", b"prefer", b"if-none-match", b"cache-control"})
# More entries than clients send; the rest is ignored, since each costs a comparison.
MAX_ENTRIES: Final = 64
# Longer headers are not cached: many different ones would fill the memory.
MAX_CACHED_BYTES: Final = 512

ENTITY_TAG: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


@dataclass(frozen=True, slots=True)
class Preferences:
    """The response that a client prefers.

    ``detached``: a job's path at once instead of a photo later. ``entity_tags``: those of responses
    that the client has, without quotes. ``may_reuse``: a cached result may be used. ``may_store``:
    the result may be cached.
    """

    media_type: MediaType
    detached: bool
    entity_tags: frozenset[str]
    may_reuse: bool
    may_store: bool


def parse_preferences(headers: Headers) -> Preferences:
    """Return the preferences in ``headers``; invalid entries are ignored."""
    relevant = tuple(header for header in headers.raw if header[0] in PREFERENCE_HEADERS)
    if sum(len(value) for _, value in relevant) > MAX_CACHED_BYTES:
        return parse_cached.__wrapped__(relevant)
    return parse_cached(relevant)


@lru_cache(maxsize=64)
def parse_cached(raw_headers: tuple[tuple[bytes, bytes], ...]) -> Preferences:
    """Return the preferences in these headers, cached: most clients send the same ones."""
    headers = Headers(raw=list(raw_headers))
    cache = parse_directives(headers, "cache-control")
    return Preferences(
        media_type=choose_media_type(",".join(headers.getlist("accept"))),
        detached="respond-async" in parse_directives(headers, "prefer"),
        entity_tags=parse_entity_tags(headers),
        may_reuse=not cache & {"no-cache", "no-store"},
        may_store="no-store" not in cache,
    )


def choose_media_type(accept: str) -> MediaType:
    """Return the media type with the highest weight, the first of ``MEDIA_TYPES`` if weights are equal.

    That is the JPEG also when ``accept`` allows no media type, as RFC 9110, 12.5.1, permits.
    """
    weights = dict.fromkeys(MEDIA_TYPES, 0.0)
    specificity = dict.fromkeys(MEDIA_TYPES, -1)
    avif_weight = 0.0
    for entry in accept.lower().split(",")[:MAX_ENTRIES]:
        media_range, *parameters = (part.strip() for part in entry.split(";"))
        weight = parse_weight(parameters)
        if media_range == AVIF:
            avif_weight = max(avif_weight, weight)
        for media_type in MEDIA_TYPES:
            patterns = ("*/*", media_type.partition("/")[0] + "/*", media_type)
            if media_range in patterns and patterns.index(media_range) > specificity[media_type]:
                specificity[media_type] = patterns.index(media_range)
                weights[media_type] = weight
    # The first of MEDIA_TYPES stands for the photo, which the options may ask for as an AVIF.
    weights["image/jpeg"] = max(weights["image/jpeg"], avif_weight)
    return max(MEDIA_TYPES, key=lambda media_type: weights[media_type])


def accepts_avif(headers: Headers) -> bool:
    """Return whether ``Accept`` names AVIF, and does not prefer JPEG.

    A wildcard does not name it: clients that read no AVIF send ``image/*`` as well.
    """
    weights: dict[str, float] = {}
    for entry in ",".join(headers.getlist("accept")).lower().split(",")[:MAX_ENTRIES]:
        media_range, *parameters = (part.strip() for part in entry.split(";"))
        weight = parse_weight(parameters)
        weights[media_range] = min(weight, weights.get(media_range, weight))
    return weights.get(AVIF, 0.0) > 0.0 and weights[AVIF] >= weights.get("image/jpeg", 0.0)


def parse_weight(parameters: list[str]) -> float:
    """Return ``q``, from 0 to 1 (RFC 9110, 12.4.2); 1 if it is missing or invalid."""
    for parameter in parameters:
        name, _, value = parameter.replace(" ", "").partition("=")
        if name == "q" and re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", value):
            return float(value)
    return 1.0


def parse_directives(headers: Headers, name: str) -> frozenset[str]:
    """Return the comma-separated tokens of a header in lower case, without parameters."""
    entries = ",".join(headers.getlist(name)).lower().split(",")[:MAX_ENTRIES]
    return frozenset(entry.partition(";")[0].strip() for entry in entries)


def parse_entity_tags(headers: Headers) -> frozenset[str]:
    """Return the tags of ``If-None-Match``, without quotes; none for ``*``."""
    value = ",".join(headers.getlist("if-none-match"))
    # The comparison is weak (RFC 9110, 13.1.2), so a leading `W/` is ignored.
    return frozenset(match.group(1) for match in ENTITY_TAG.finditer(value))
