"""A PNG's EXIF, XMP, IPTC and density are found wherever programs put them."""

import struct
import time
import zlib

import pytest

from worker.image.formats.png.chunks import Chunks
from worker.image.formats.png.metadata import (
    RAW_8BIM,
    RAW_APP1,
    RAW_EXIF,
    RAW_IPTC,
    RAW_XMP,
    XMP,
    XMP_NAME,
    read_metadata,
)
from worker.image.samples import RawMetadata

EXIF = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
RESOURCES = b"8BIM\x04\x04\0\0\0\0\0\6\x1c\2\x74\0\1A"


def raw(content: bytes, name: bytes = b"exif") -> bytes:
    """Return a profile as ImageMagick writes it."""
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\n" + name + b"\n%8d\n" % len(content) + lines.encode() + b"\n"


def read(texts: dict[bytes, tuple[bytes, bytes]] | None = None, **chunks: bytes) -> RawMetadata:
    first = {kind.encode(): content for kind, content in chunks.items()}
    return read_metadata(Chunks(first, texts or {}))


def test_nothing_is_nothing() -> None:
    assert read() == RawMetadata()


@pytest.mark.parametrize("content", [EXIF, b"Exif\0\0" + EXIF])
def test_exif_has_no_name(content: bytes) -> None:
    assert read(eXIf=content).exif == EXIF


@pytest.mark.parametrize("keyword", [RAW_EXIF, RAW_APP1])
def test_exif_as_hexadecimal_text_is_read(keyword: bytes) -> None:
    text = raw(b"Exif\0\0" + EXIF)
    for kind, content in (
        (b"tEXt", text),
        (b"zTXt", b"\0" + zlib.compress(text)),
        (b"iTXt", b"\0\0\0\0" + text),
        (b"iTXt", b"\1\0en\0title\0" + zlib.compress(text)),
    ):
        assert read({keyword: (kind, content)}).exif == EXIF
    assert read({keyword: (b"tEXt", raw(b"Exif\0\0II*\0"))}, eXIf=EXIF).exif == EXIF


def test_xmp_is_read_as_text_or_hexadecimal_text() -> None:
    for keyword, content in (
        (XMP, PACKET),
        (RAW_XMP, raw(PACKET)),
        (RAW_APP1, raw(XMP_NAME + PACKET)),
    ):
        metadata = read({keyword: (b"iTXt", b"\0\0\0\0" + content)})
        assert (metadata.xmp, metadata.exif) == (PACKET, None)


@pytest.mark.parametrize("keyword", [RAW_8BIM, RAW_IPTC])
def test_iptc_becomes_image_resources(keyword: bytes) -> None:
    for content in (RESOURCES, b"Photoshop 3.0\0" + RESOURCES, RESOURCES[12:]):
        assert read({keyword: (b"tEXt", raw(content))}).image_resources == RESOURCES
    assert read({keyword: (b"tEXt", raw(b"other"))}).image_resources is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\nexif\n",
        b"\nexif\n 2\n4d4",
        b"\nexif\n 2\nxy",
        b"\nexif\nlong\n4d4d",
        b"\0" * 50,
        b"\nexif\n\n",
    ],
)
def test_damaged_text_is_left_out(text: bytes) -> None:
    assert read({RAW_EXIF: (b"tEXt", text)}) == RawMetadata()
    assert read({RAW_EXIF: (b"zTXt", b"\0" + text)}) == RawMetadata()
    assert read({RAW_EXIF: (b"iTXt", b"\1" + text)}) == RawMetadata()


def test_long_metadata_is_left_out_at_once() -> None:
    bomb = b"\0" + zlib.compress(bytes(30_000_000))
    started_s = time.process_time()
    assert (
        read({XMP: (b"zTXt", bomb), RAW_EXIF: (b"zTXt", bomb)}, eXIf=bytes(2_000_000))
        == RawMetadata()
    )
    assert time.process_time() - started_s < 0.5


@pytest.mark.parametrize(
    ("per_metre", "unit", "density"),
    [
        ((11_811, 11_811), 1, (300, 300, 1)),
        ((2_835, 5_669), 1, (72, 144, 1)),
        ((2, 1), 0, None),
        ((0, 0), 1, None),
    ],
)
def test_the_density_needs_a_unit(
    per_metre: tuple[int, int], unit: int, density: tuple[int, int, int] | None
) -> None:
    assert read(pHYs=struct.pack(">IIB", *per_metre, unit)).density == density
    assert read(pHYs=b"short") == RawMetadata()
