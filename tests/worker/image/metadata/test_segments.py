"""Other programs read the kept metadata of an upload; nothing else is kept."""

import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from contract.errors import MaxBytesError
from tests.photos import file_of, photo
from tests.worker.image.tagged_uploads import FORMATS, compress, make_exif, make_upload, read_tags
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.segments import (
    LONGEST_PACKET_BYTES,
    LONGEST_PAYLOAD_BYTES,
    LONGEST_PROFILE_BYTES,
    segment,
    split_profile,
    write_segments,
)
from worker.image.samples import RawMetadata


@pytest.mark.parametrize("name", FORMATS)
def test_by_default_no_metadata_is_kept(name: str) -> None:
    jpeg = compress(make_upload(name))
    for word in (b"secret", b"Someone", b"Exif", b"adobe:ns", b"GPS"):
        assert word not in jpeg
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.size == (120, 160)
        assert not opened.getexif()


@pytest.mark.parametrize("name", FORMATS)
def test_copyright_keeps_author_and_rights_only(name: str, tmp_path: Path) -> None:
    jpeg = compress(make_upload(name), metadata="copyright")
    assert b"secret" not in jpeg
    assert b"GPS" not in jpeg
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.size == (120, 160)
        exif = opened.getexif()
        assert dict(exif) == {
            ExifTags.Base.Artist: "Someone",
            ExifTags.Base.Copyright: "(c) Someone",
        }
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    tags = read_tags(jpeg, tmp_path)
    assert tags["EXIF:Copyright"] == "(c) Someone"
    assert tags["XMP:Creator"] == "Änne"
    assert tags["XMP:Rights"] == "(c) Änne"
    assert tags["XMP:Marked"] is True
    assert not any("GPS" in tag or "Description" in tag or "Orientation" in tag for tag in tags)
    assert "ExifTool:Warning" not in tags


@pytest.mark.parametrize("name", FORMATS)
def test_all_keeps_everything_except_the_orientation(name: str, tmp_path: Path) -> None:
    jpeg = compress(make_upload(name), metadata="all", width=60)
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.size == (60, 80)
        exif = opened.getexif()
        assert exif.get(ExifTags.Base.Orientation, 1) == 1  # Pillow's TIFF reader removes it
        assert exif[ExifTags.Base.ImageDescription] == "a secret garden"
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (48.0, 12.0, 0.0)
    tags = read_tags(jpeg, tmp_path)
    assert tags.get("EXIF:Orientation", 1) == 1
    assert tags["EXIF:ExposureTime"] == 0.01
    assert (tags["EXIF:ExifImageWidth"], tags["EXIF:ExifImageHeight"]) == (60, 80)
    assert tags["EXIF:GPSLatitude"] == 48.2
    assert tags.get("XMP:Orientation", 1) == 1  # Pillow's TIFF reader removes it
    assert tags["XMP:CreatorTool"] == "a secret tool"
    assert tags["XMP:Rights"] == "(c) Änne"
    assert "ExifTool:Warning" not in tags


def test_max_bytes_includes_metadata() -> None:
    data = make_upload("JPEG")
    for max_bytes in (4000, 5000):
        jpeg = compress(data, metadata="all", max_bytes=max_bytes, quality=95)
        assert max_bytes * 0.9 < len(jpeg) <= max_bytes
        assert b"Someone" in jpeg
    with pytest.raises(MaxBytesError, match="max_bytes is 300; "):
        compress(data, metadata="all", max_bytes=300)


def test_an_upload_with_all_metadata_kept_may_pass_through() -> None:
    options = {"quality": 95, "target": "size", "metadata": "all"}
    first = compress(file_of(photo(), "JPEG", quality=40, exif=make_exif(1)), **options)
    assert b"secret" in first
    assert compress(first, **options) == first
    assert compress(first, **{**options, "progressive": False}) != first
    bare = compress(first, **{**options, "metadata": "none"})
    assert b"secret" not in bare
    assert len(bare) < len(first)


def test_a_very_long_packet_of_xmp_is_left_out() -> None:
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    credit = 'xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:Credit="Ada"'
    packet = f"<rdf:RDF {rdf}><rdf:Description {credit}/></rdf:RDF>".encode()
    for length, is_kept in ((LONGEST_PACKET_BYTES, True), (LONGEST_PACKET_BYTES + 1, False)):
        metadata = RawMetadata(xmp=packet.ljust(length))
        geometry = Geometry((8, 8), 1, (8, 8))
        assert bool(write_segments(metadata, "copyright", geometry, None)) is is_kept


def test_limits_are_those_of_the_standard_and_of_the_documents() -> None:
    assert LONGEST_PACKET_BYTES == LONGEST_PROFILE_BYTES == 4 << 20
    # The longest segment of T.81: a marker, and the largest length of 16 bits.
    assert len(segment(0xE1, bytes(LONGEST_PAYLOAD_BYTES))) == 2 + 0xFFFF


@pytest.mark.parametrize(("length", "count"), [(1, 1), (65_519, 1), (65_520, 2), (131_039, 3)])
def test_a_profile_is_divided_into_numbered_segments(length: int, count: int) -> None:
    profile = bytes(i % 251 for i in range(length))
    segments = list(split_profile(profile))
    assert [one[:2] for one in segments] == [b"\xff\xe2"] * count
    assert [one[4:18] for one in segments] == [
        b"ICC_PROFILE\0" + bytes((number, count)) for number in range(1, count + 1)
    ]
    assert all(int.from_bytes(one[2:4], "big") == len(one) - 2 for one in segments)
    assert b"".join(one[18:] for one in segments) == profile
