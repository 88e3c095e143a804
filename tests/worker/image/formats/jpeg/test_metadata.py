"""Metadata comes byte for byte out of its segments, joined where it takes several."""

import pytest

from contract.image_headers.steps import MAX_STEPS
from tests.worker.image.formats.jpeg.files import adobe
from worker.image.formats.jpeg.metadata import Applications, join_metadata, join_profile
from worker.image.samples import RawMetadata

EXIF = b"II*\0" + bytes(range(40))
OTHER_EXIF = b"MM\0*" + bytes(range(50))
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED = bytes(range(256)) * 10
DIGEST = b"0123456789ABCDEF" * 2
PACKET = b'<x:xmpmeta xmpNote:HasExtendedXMP="' + DIGEST + b'"/>'


def extension(start: int, end: int, digest: bytes = DIGEST, full_bytes: int = 0) -> bytes:
    """Return the content of a segment with a part of the extended XMP."""
    numbers = (full_bytes or len(EXTENDED)).to_bytes(4, "big") + start.to_bytes(4, "big")
    return b"http://ns.adobe.com/xmp/extension/\0" + digest + numbers + EXTENDED[start:end]


def join(*contents: bytes, marker: int = 0xE1) -> RawMetadata:
    """Return the metadata in segments of one kind."""
    return join_metadata([(marker, content) for content in contents])


@pytest.mark.parametrize("name", [b"Exif\0\0", b"Exif\0\xff"])
def test_exif_is_kept_byte_for_byte(name: bytes) -> None:
    assert join(name + EXIF).exif == EXIF
    assert join(name + EXIF, marker=0xE2).exif is None


@pytest.mark.parametrize(
    ("contents", "joined"),
    [
        ([EXIF, b"that goes on", b"and on"], EXIF + b"that goes onand on"),
        ([EXIF, OTHER_EXIF, b"of the other one"], EXIF),
        ([b"damage", EXIF], EXIF),
        ([b"damage"], None),
        ([b""], None),
    ],
)
def test_the_first_exif_counts_and_may_take_several_segments(
    contents: list[bytes], joined: bytes | None
) -> None:
    assert join(*(b"Exif\0\0" + content for content in contents)).exif == joined


def test_the_first_packet_of_xmp_counts() -> None:
    assert join(XMP_NAME + PACKET, XMP_NAME + b"other").xmp == PACKET
    assert join(b"http://ns.adobe.com/xap/1.0/ ").xmp is None


@pytest.mark.parametrize(
    "parts",
    [
        [extension(0, 2560)],
        [extension(1000, 2560), extension(0, 1000)],
        [extension(0, 1000), extension(0, 1000), extension(1000, 2560)],
        [extension(0, 2560), extension(0, 9, digest=b"0" * 32)],
    ],
)
def test_extended_xmp_is_joined_by_digest_and_offset(parts: list[bytes]) -> None:
    assert join(XMP_NAME + PACKET, *parts).extended_xmp == EXTENDED


@pytest.mark.parametrize(
    "parts",
    [
        [extension(0, 1000)],
        [extension(1, 2560)],
        [extension(0, 1000), extension(1001, 2560)],
        [extension(0, 1000), extension(999, 2560)],
        [extension(0, 1000), extension(999, 2559)],
        [extension(0, 2560, digest=b"0" * 32)],
        [extension(0, 2560, full_bytes=1 << 31)],
        [extension(0, 2560)[:70]],
        [],
    ],
)
def test_incomplete_extended_xmp_is_left_out(parts: list[bytes]) -> None:
    raw = join(XMP_NAME + PACKET, *parts)
    assert (raw.xmp, raw.extended_xmp) == (PACKET, None)


def test_extended_xmp_without_a_packet_is_left_out() -> None:
    assert join(extension(0, 2560)).extended_xmp is None


def test_thousands_of_extensions_cost_little() -> None:
    packet = PACKET.ljust(65_000)
    parts = [extension(0, 1, digest=b"%032d" % number) for number in range(MAX_STEPS)]
    assert join(XMP_NAME + packet, *parts).extended_xmp is None


def test_image_resources_are_joined() -> None:
    name = b"Photoshop 3.0\0"
    assert join(name + b"8BIM1", b"other", name + b"8BIM2", marker=0xED).image_resources == (
        b"8BIM18BIM2"
    )


def test_density_is_that_of_the_first_jfif_segment() -> None:
    short = b"JFIF\0\1\1\1\1\x2c\1\x2c\0"
    first, second = (b"JFIF\0\1\1%c\1\x2c\0\x96\0\0" % unit for unit in (2, 1))
    assert join(short, first, second, marker=0xE0).density == (300, 150, 2)
    assert join(short, adobe(1), marker=0xE0).density is None


def icc(*parts: tuple[int, int, bytes]) -> Applications:
    """Return segments of a profile, given by number, count and content."""
    return [(0xE2, b"ICC_PROFILE\0" + bytes(numbers) + part) for *numbers, part in parts]


@pytest.mark.parametrize(
    ("segments", "profile"),
    [
        (icc((1, 1, b"abc")), b"abc"),
        (icc((2, 3, b"b"), (1, 3, b"a"), (3, 3, b"c")), b"abc"),
        (icc((1, 2, b"a")), None),
        (icc((1, 2, b"a"), (1, 2, b"a")), None),
        (icc((1, 2, b"a"), (3, 2, b"b")), None),
        (icc((1, 2, b"a"), (2, 3, b"b")), None),
        (icc((0, 1, b"a")), None),
        ([(0xE2, b"ICC_PROFILE\0\1")], None),
        ([(0xE2, b"MPF\0")], None),
        ([], None),
    ],
)
def test_a_profile_is_joined_by_its_numbers_if_it_is_complete(
    segments: Applications, profile: bytes | None
) -> None:
    assert join_profile(segments) == profile
