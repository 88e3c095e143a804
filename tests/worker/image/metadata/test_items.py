"""Metadata without segments, as an AVIF has it."""

from codec import NO_METADATA, Metadata, write_segment
from worker.image.metadata.items import split_segments
from worker.image.metadata.segments import APP0, APP1, APP13, split_profile, write_jfif
from worker.image.metadata.xmp import point_to, split_extension
from worker.image.segment_names import EXIF_NAME, XMP_NAME

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def packet(*properties: str, note: str = "") -> bytes:
    inner = "".join(f"<dc:{name}>{name}!</dc:{name}>" for name in properties)
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"{note}>{inner}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def test_each_kind_is_found_byte_for_byte() -> None:
    exif, xmp, profile = b"II*\0\x08\0\0\0\0\0", packet("creator"), b"\xff\xe1icc" * 30_000
    segments = b"".join(
        [
            write_segment(APP0, write_jfif((300, 300, 1))),
            write_segment(APP1, EXIF_NAME + exif),
            write_segment(APP1, XMP_NAME + xmp),
            write_segment(APP13, b"Photoshop 3.0\0"),
            *split_profile(profile),
        ]
    )
    assert split_segments(segments) == Metadata(exif, xmp, profile)
    assert split_segments(b"") == NO_METADATA


def test_extended_xmp_is_joined_to_its_packet() -> None:
    extension = packet("rights", "subject")
    parts = [write_segment(APP1, part) for part in split_extension(extension)]
    note = ' xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="0123"'
    for first in (packet("creator", note=note), point_to("0123")):
        joined = split_segments(write_segment(APP1, XMP_NAME + first) + b"".join(parts)).xmp
        assert b"rights!" in joined
        assert b"subject!" in joined
        assert (b"creator!" in joined) == (b"creator!" in first)
        assert b"HasExtendedXMP" not in joined


def test_a_damaged_extension_is_left_out() -> None:
    first = packet("creator")
    parts = [write_segment(APP1, part) for part in split_extension(b"<x")]
    assert split_segments(write_segment(APP1, XMP_NAME + first) + b"".join(parts)).xmp == first
