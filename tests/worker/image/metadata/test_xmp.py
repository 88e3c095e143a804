"""XMP is kept whole, or as author and rights; anything but well-formed XML is left out."""

import hashlib
import io
import random
import re
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image

from contract.messages import Metadata
from tests.photos import file_of, photo
from tests.worker.image.metadata.tiff_structures import find_faults
from tests.worker.image.tagged_uploads import XMP, compress, read_tags
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.segments import insert, write_segments
from worker.image.metadata.xmp import (
    EXTENDED_XMP_NAME,
    LONGEST_BYTES,
    LONGEST_PACKET_BYTES,
    XMP_NAME,
    write_xmp,
)
from worker.image.samples import RawMetadata

SAME = Geometry((8, 6), 1, (8, 6))
UPRIGHT_XMP = XMP.replace(b'tiff:Orientation="6"', b"")
ENTITIES = b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;">]>'


RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
NOTE = 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/"'
PHOTOSHOP = 'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'


def write(packet: bytes, keep: Metadata, extension: bytes | None = None) -> list[bytes]:
    metadata = RawMetadata(xmp=packet, extended_xmp=extension)
    return write_xmp(metadata, keep, SAME, has_profile=False)


def write_one(packet: bytes, keep: Metadata) -> bytes:
    """Return the packet that is written, which must be the only segment."""
    (written,) = write(packet, keep)
    assert written.startswith(XMP_NAME)
    return written[len(XMP_NAME) :]


def describe(attributes: str, content: str = "") -> bytes:
    description = f'<rdf:Description rdf:about="" {attributes}>{content}</rdf:Description>'
    return f"<rdf:RDF {RDF}>{description}</rdf:RDF>".encode()


def join(payloads: list[bytes]) -> tuple[str, bytes]:
    """Return the digest and content of extended XMP, after checks of its parts."""
    head = len(EXTENDED_XMP_NAME)
    assert all(payload.startswith(EXTENDED_XMP_NAME) for payload in payloads)
    assert all(len(payload) <= 65_533 for payload in payloads)
    (digest,) = {payload[head : head + 32].decode() for payload in payloads}
    joined = b""
    for payload in payloads:
        assert int.from_bytes(payload[head + 36 : head + 40], "big") == len(joined)
        joined += payload[head + 40 :]
    assert {int.from_bytes(p[head + 32 : head + 36], "big") for p in payloads} == {len(joined)}
    return digest, joined


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
    assert not write(packet, keep)
    jpeg = compress(file_of(photo(16, 16), "JPEG", xmp=packet[:60_000]), metadata=keep)
    assert b"ns.adobe.com" not in jpeg


def test_upright_xmp_is_kept_byte_for_byte() -> None:
    assert write_one(UPRIGHT_XMP, "all") == UPRIGHT_XMP


@pytest.mark.parametrize(
    "orientation", [b'tiff:Orientation="6"', b'tiff:Orientation="8" tiff:Make="x"']
)
def test_only_the_orientation_s_own_bytes_change(orientation: bytes) -> None:
    packet = XMP.replace(b'tiff:Orientation="6"', orientation)
    upright = re.sub(rb'(tiff:Orientation=")\d', rb"\g<1>1", packet)
    assert write_one(packet, "all") == upright


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_becomes_utf_8(encoding: str) -> None:
    packet = UPRIGHT_XMP.decode().encode(encoding)
    assert write_one(packet, "all") == UPRIGHT_XMP
    assert "Änne".encode() in write_one(packet, "copyright")


def test_copyright_keeps_author_and_rights_only() -> None:
    written = write_one(XMP, "copyright")
    assert written.count("Änne".encode()) == 2
    assert b'xmpRights:Marked="True"' in written
    assert b"secret" not in written
    assert b"Orientation" not in written


def test_copyright_is_looked_for_in_extended_xmp_too() -> None:
    written = b"".join(
        write(UPRIGHT_XMP, "copyright", describe(PHOTOSHOP + ' photoshop:Credit="Ada"'))
    )
    assert written.count("Änne".encode()) == 2
    assert b'photoshop:Credit="Ada"' in written
    assert b"xmpNote" not in written


def test_without_author_and_rights_copyright_keeps_nothing() -> None:
    plain = XMP.replace(b"dc:rights", b"dc:x").replace(b"dc:creator", b"dc:y")
    plain = plain.replace(b"xmpRights:Marked", b"xmp:Marked")
    assert not write(plain, "copyright")


def test_a_very_long_packet_is_left_out() -> None:
    assert LONGEST_PACKET_BYTES == 4 << 20
    packet = describe(PHOTOSHOP + ' photoshop:Credit="Ada"')
    assert write(packet.ljust(LONGEST_PACKET_BYTES), "copyright")
    assert not write(packet.ljust(LONGEST_PACKET_BYTES + 1), "copyright")


def test_extended_xmp_is_kept_byte_for_byte() -> None:
    text = "".join(random.Random(0).choices("abcdef", k=150_000))
    extension = describe(PHOTOSHOP, f"<photoshop:History>{text}</photoshop:History>")
    digest = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    packet = describe(f'{NOTE} {PHOTOSHOP} photoshop:City="Rome" xmpNote:HasExtendedXMP="{digest}"')
    first, *others = write(packet, "all", extension)
    assert first == XMP_NAME + packet
    assert len(others) == 3
    assert join(others) == (digest, extension)


def test_extended_xmp_that_changes_gets_another_digest() -> None:
    depth = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Data="AAAA" '
    extension = describe(depth + PHOTOSHOP + ' photoshop:City="Rome"')
    packet = describe(f'{NOTE} {PHOTOSHOP} photoshop:State="x" xmpNote:HasExtendedXMP="{"0" * 32}"')
    first, *others = write(packet, "all", extension)
    digest, written = join(others)
    assert written == describe(PHOTOSHOP + ' photoshop:City="Rome"')
    assert digest == hashlib.md5(written, usedforsecurity=False).hexdigest().upper()
    assert first == XMP_NAME + packet.replace(b"0" * 32, digest.encode())


@pytest.mark.parametrize(
    "extension",
    [
        None,
        b"nonsense",
        describe('xmlns:d="http://ns.google.com/photos/1.0/depthmap/" d:Data="AAAA"'),
        describe(PHOTOSHOP + ' photoshop:City="Rome"').ljust(LONGEST_PACKET_BYTES + 1),
    ],
)
def test_without_extended_xmp_its_digest_is_left_out(extension: bytes | None) -> None:
    packet = describe(
        f'{PHOTOSHOP} {NOTE} photoshop:City="Rome" xmpNote:HasExtendedXMP="{"0" * 32}"'
    )
    assert write(packet, "all", extension) == [
        XMP_NAME + packet.replace(f' xmpNote:HasExtendedXMP="{"0" * 32}"'.encode(), b"")
    ]
    alone = describe(f'{NOTE} xmpNote:HasExtendedXMP="{"0" * 32}"')
    assert write(alone, "all", extension) == []


def test_a_packet_that_does_not_fit_loses_its_padding_first() -> None:
    packet = UPRIGHT_XMP.replace(b'<?xpacket end="w"?>', b'\n \n<?xpacket end="w"?>\n')
    padded = packet.replace(b"\n \n<?", b" " * LONGEST_BYTES + b"<?")
    assert write_one(padded, "all") == packet.replace(b"\n \n<?", b"<?").strip()


def test_a_packet_that_still_does_not_fit_becomes_extended_xmp(tmp_path: Path) -> None:
    text = "".join(random.Random(0).choices("abcdef", k=150_000))
    packet = XMP.replace(b"a secret tool", text.encode())
    metadata = RawMetadata(xmp=packet)
    first, *others = write(packet, "all")
    digest, extension = join(others)
    assert f'xmpNote:HasExtendedXMP="{digest}"'.encode() in first
    assert fromstring(extension).tag == "{adobe:ns:meta/}xmpmeta"
    jpeg = insert(file_of(photo(16, 16), "JPEG"), write_segments(metadata, "all", SAME, None))
    tags = read_tags(jpeg, tmp_path)
    assert tags["XMP:CreatorTool"] == text
    assert tags["XMP:Creator"] == "Änne"
    assert not find_faults(jpeg, tmp_path)


def test_a_jpeg_s_extended_xmp_is_read_by_others(tmp_path: Path) -> None:
    text = "".join(random.Random(0).choices("abcdef", k=150_000))
    extension = describe(PHOTOSHOP, f"<photoshop:Instructions>{text}</photoshop:Instructions>")
    packet = describe(f'{NOTE} xmpNote:HasExtendedXMP="{"0" * 32}"')
    metadata = RawMetadata(xmp=packet, extended_xmp=extension)
    jpeg = insert(file_of(photo(16, 16), "JPEG"), write_segments(metadata, "all", SAME, None))
    assert read_tags(jpeg, tmp_path)["XMP:Instructions"] == text
    with Image.open(io.BytesIO(jpeg)) as opened:
        opened.load()
