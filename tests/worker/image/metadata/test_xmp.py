"""XMP is kept whole, or as author and rights; anything but well-formed XML is left out."""

import pytest

from contract.messages import Metadata
from tests.photos import file_of, photo
from tests.worker.image.tagged_uploads import XMP, compress
from worker.image.metadata.xmp import write_xmp

UPRIGHT_XMP = XMP.replace(b'tiff:Orientation="6"', b"")
ENTITIES = b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("keep", ["copyright", "all"])
@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"nonsense",
        b"<a>",
        b'<?xml version="1.0"?>' + ENTITIES + b"<b>&c;</b>",
        b"\xff\xfe<a/>",
        b'<?xml version="1.0" encoding="x-unknown"?><a/>',
        b"<a>" * 20_000,
        XMP.replace(b"<x:xmpmeta", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x:xmpmeta'),
        XMP[:-100],
    ],
)
def test_xmp_that_is_not_well_formed_or_has_a_document_type_is_left_out(
    packet: bytes, keep: Metadata
) -> None:
    assert write_xmp(packet, keep, 65_000) is None
    jpeg = compress(file_of(photo(16, 16), "JPEG", xmp=packet[:60_000]), metadata=keep)
    assert b"ns.adobe.com" not in jpeg


def test_upright_xmp_is_kept_byte_for_byte() -> None:
    assert write_xmp(UPRIGHT_XMP, "all", 65_000) == UPRIGHT_XMP


def test_xmp_that_is_too_long_is_left_out() -> None:
    assert write_xmp(UPRIGHT_XMP, "all", len(UPRIGHT_XMP)) is not None
    assert write_xmp(UPRIGHT_XMP, "all", len(UPRIGHT_XMP) - 1) is None


@pytest.mark.parametrize(
    "orientation", [b'tiff:Orientation="6"', b'tiff:Orientation="8" tiff:Make="x"']
)
def test_an_orientation_attribute_is_set_to_upright(orientation: bytes) -> None:
    packet = XMP.replace(b'tiff:Orientation="6"', orientation)
    written = write_xmp(packet, "all", 65_000)
    assert written is not None
    assert b'tiff:Orientation="1"' in written
    assert b"a secret tool" in written


def test_an_orientation_element_is_set_to_upright() -> None:
    element = b"<tiff:Orientation>6</tiff:Orientation>"
    packet = UPRIGHT_XMP.replace(b"<dc:rights>", element + b"<dc:rights>")
    written = write_xmp(packet, "all", 65_000)
    assert written is not None
    assert b"<tiff:Orientation>1</tiff:Orientation>" in written


def test_copyright_keeps_author_and_rights_only() -> None:
    written = write_xmp(XMP, "copyright", 65_000)
    assert written is not None
    assert written.count("Änne".encode()) == 2
    assert b'xmpRights:Marked="True"' in written
    assert b"secret" not in written
    assert b"Orientation" not in written


def test_without_author_and_rights_copyright_keeps_nothing() -> None:
    plain = XMP.replace(b"dc:rights", b"dc:x").replace(b"dc:creator", b"dc:y")
    plain = plain.replace(b"xmpRights:Marked", b"xmp:Marked")
    assert write_xmp(plain, "copyright", 65_000) is None
