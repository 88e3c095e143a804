"""Keeps IPTC and a few other image resources of Photoshop (Photoshop file formats; IIM 4.2)."""

import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from contract.messages import Metadata
from worker.image.metadata.geometry import Geometry

NAME: Final = b"Photoshop 3.0\0"
SIGNATURE: Final = b"8BIM"
# Those of other programs and of ImageReady.
SIGNATURES: Final = frozenset({SIGNATURE, b"MeSa", b"PHUT", b"AgHg", b"DCSR"})
RESOLUTION, IPTC, COPYRIGHT_FLAG, URL, IPTC_DIGEST = 0x03ED, 0x0404, 0x040A, 0x040B, 0x0425
# Others are thumbnails, copies of EXIF and XMP, or describe layers, paths and slices in pixels.
KEPT: Final = {
    "all": frozenset({RESOLUTION, IPTC, COPYRIGHT_FLAG, URL, IPTC_DIGEST}),
    "copyright": frozenset({IPTC, COPYRIGHT_FLAG, URL}),
}
MOST_RESOURCES: Final = 1000

# IIM 4.2, 1.5: a data set has this byte, its record, its number and its length.
DATA_SET: Final = b"\x1c"
# Coded character set; version of the record; by-line, credit and copyright notice.
COPYRIGHT_DATA_SETS: Final = frozenset({(1, 90), (2, 0), (2, 80), (2, 110), (2, 116)})
AUTHOR: Final = frozenset({(2, 80), (2, 110), (2, 116)})
# A preview; and records 3 and 7 to 9, which describe and hold other objects.
PREVIEW: Final = frozenset({(2, 200), (2, 201), (2, 202)})
KEPT_RECORDS: Final = frozenset({1, 2, 4, 5, 6})
MOST_DATA_SETS: Final = 10_000
EXTENDED: Final = 0x8000


class Resource(NamedTuple):
    """One image resource."""

    number: int
    name: bytes
    """With its length, padded to an even number of bytes."""
    data: bytes


class DataSet(NamedTuple):
    """One data set of IPTC."""

    key: tuple[int, int]
    """Record and number."""
    stored: bytes
    """All of it, with its header."""


def write_image_resources(
    resources: bytes, keep: Metadata, geometry: Geometry, longest_bytes: int
) -> bytes | None:
    """Return the payload of a segment; None if nothing is kept or it would be too long.

    What is kept stays byte for byte, in its order; damage ends it.
    """
    kept: dict[int, Resource] = {}
    for resource in read_resources(resources):
        if resource.number in KEPT[keep] and resource.number not in kept:
            kept[resource.number] = resource
    if RESOLUTION in kept and geometry.turns_sides:
        kept[RESOLUTION] = turn_resolution(kept[RESOLUTION])
    if IPTC in kept:
        before = kept[IPTC].data
        data = keep_data_sets(before, keep)
        if not data:
            del kept[IPTC]
            kept.pop(IPTC_DIGEST, None)
        elif data != before:
            kept[IPTC] = kept[IPTC]._replace(data=data)
            if IPTC_DIGEST in kept:
                digest = hashlib.md5(data, usedforsecurity=False).digest()
                kept[IPTC_DIGEST] = kept[IPTC_DIGEST]._replace(data=digest)
    if not any(resource.data.strip(b"\0") for resource in kept.values()):
        return None
    payload = NAME + b"".join(map(write_resource, kept.values()))
    return payload if len(payload) <= longest_bytes else None


def read_resources(resources: bytes) -> Iterator[Resource]:
    """Yield image resources up to the first damaged one."""
    at = 0
    for _ in range(MOST_RESOURCES):
        head = resources[at : at + 7]
        if len(head) < 7 or head[:4] not in SIGNATURES:
            return
        name_end = at + 6 + (head[6] + 2) // 2 * 2
        start = name_end + 4
        size = int.from_bytes(resources[name_end:start], "big")
        end = start + size
        if end > len(resources) or start > len(resources):
            return
        if head.startswith(SIGNATURE):
            number = int.from_bytes(head[4:6], "big")
            yield Resource(number, resources[at + 6 : name_end], resources[start:end])
        at = end + size % 2


def write_resource(resource: Resource) -> bytes:
    """Return an image resource as it is stored."""
    head = SIGNATURE + resource.number.to_bytes(2, "big") + resource.name
    padding = bytes(len(resource.data) % 2)
    return head + len(resource.data).to_bytes(4, "big") + resource.data + padding


def turn_resolution(resource: Resource) -> Resource:
    """Return the resolution with that across and that down in each other's place."""
    data = resource.data
    return resource._replace(data=data[8:] + data[:8]) if len(data) == 16 else resource


def keep_data_sets(iptc: bytes, keep: Metadata) -> bytes:
    """Return IPTC without what is not kept; empty if nothing is left."""
    data_sets = list(read_data_sets(iptc))
    if keep == "copyright":
        kept = [one for one in data_sets if one.key in COPYRIGHT_DATA_SETS]
        if not any(one.key in AUTHOR for one in kept):
            return b""
    else:
        kept = [one for one in data_sets if one.key not in PREVIEW and one.key[0] in KEPT_RECORDS]
        if len(kept) == len(data_sets) and kept:
            return iptc
    return b"".join(one.stored for one in kept)


def read_data_sets(iptc: bytes) -> Iterator[DataSet]:
    """Yield data sets up to the first damaged one."""
    at = 0
    for _ in range(MOST_DATA_SETS):
        head = iptc[at : at + 5]
        if len(head) < 5 or not head.startswith(DATA_SET):
            return
        start, size = at + 5, int.from_bytes(head[3:], "big")
        if size & EXTENDED:  # the rest is the number of bytes of the length
            if size != EXTENDED | 4:
                return
            start += 4
            size = int.from_bytes(iptc[at + 5 : start], "big")
        end = start + size
        if end > len(iptc):
            return
        yield DataSet((head[1], head[2]), iptc[at:end])
        at = end
