"""Other programs read the kept metadata of an upload; nothing else is kept."""

import io
import re
import struct
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from codec import write_segment
from contract.errors import MaxBytesError
from tests.photos import file_of, photo
from tests.worker.image.metadata.tiff_structures import Tag, Tags, build, text
from tests.worker.image.tagged_uploads import FORMATS, compress, make_exif, make_upload, read_tags
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.segments import (
    LONGEST_PAYLOAD_BYTES,
    LONGEST_PROFILE_BYTES,
    count_added_bytes,
    insert,
    split_profile,
    write_segments,
)
from worker.image.samples import RawMetadata

BARE = file_of(photo(8, 8), "JPEG")
# What EXIF must have in a JPEG.
REQUIRED = {
    ExifTags.Base.XResolution: 72,
    ExifTags.Base.YResolution: 72,
    ExifTags.Base.ResolutionUnit: 2,
    ExifTags.Base.YCbCrPositioning: 1,
}


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
            **({} if name == "JPEG" else REQUIRED),
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


@pytest.mark.parametrize(
    ("density", "orientation", "kept"),
    [
        ((300, 300, 1), 1, (1, 300, 300)),
        ((118, 59, 2), 3, (2, 118, 59)),
        ((118, 59, 2), 6, (2, 59, 118)),
        ((2, 1, 0), 1, (0, 2, 1)),
        ((1, 1, 0), 1, (0, 1, 1)),
        (None, 1, (0, 1, 1)),
        ((300, 0, 1), 1, (0, 1, 1)),
        ((300, 65_536, 1), 1, (0, 1, 1)),
        ((300, 300, 3), 1, (0, 1, 1)),
    ],
)
def test_density_is_kept_with_all(
    density: tuple[int, int, int] | None, orientation: int, kept: tuple[int, int, int]
) -> None:
    metadata = RawMetadata(density=density)
    geometry = Geometry((160, 120), orientation, (16, 12))
    jpeg = compress(file_of(photo()))
    for keep in ("copyright", "all"):
        segments = write_segments(metadata, keep, geometry, None)
        written = insert(jpeg, segments)
        unit, across, down = struct.unpack_from(">BHH", written, 13)
        assert (unit, across, down) == (kept if keep == "all" else (0, 1, 1))
        assert len(written) - len(jpeg) == count_added_bytes(segments) == 0
        assert (written[:13], written[18:]) == (jpeg[:13], jpeg[18:])


def test_without_another_density_that_of_exif_is_kept() -> None:
    def read(exif: Tags, density: tuple[int, int, int] | None = None) -> tuple[int, ...]:
        metadata = RawMetadata(exif=build(exif), density=density)
        segments = write_segments(metadata, "all", Geometry((8, 6), 1, (8, 6)), None)
        unit, across, down = struct.unpack_from(">BHH", insert(BARE, segments), 13)
        return across, down, unit

    author: Tags = {0x013B: text("A")}
    inches: Tags = {**author, 0x011A: Tag(5, [600, 2]), 0x011B: Tag(5, [72, 1])}
    assert read(inches) == (300, 72, 1)
    assert read({**inches, 0x0128: Tag(3, [3])}) == (300, 72, 2)
    assert read(inches, (96, 96, 1)) == (96, 96, 1)
    assert read(inches, (1, 1, 0)) == (1, 1, 0)
    assert read(author) == (1, 1, 0)
    for damaged in (Tag(5, [1, 0]), Tag(3, [72]), Tag(5, [72, 1, 72, 1]), Tag(5, [0, 1])):
        assert read({**inches, 0x011B: damaged}) == (1, 1, 0)
    assert read({**inches, 0x0128: Tag(3, [9])}) == (1, 1, 0)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF"])
def test_density_is_the_upload_s_and_a_result_that_is_sent_again_stays(name: str) -> None:
    options = {"metadata": "all", "width": 80}
    jpeg = compress(file_of(photo(), name, dpi=(300, 300)), **options)
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.info["dpi"] == (300, 300)
    assert compress(jpeg, **options) == jpeg


def test_a_jpeg_without_jfif_s_segment_gets_none() -> None:
    bare = b"\xff\xd8" + BARE[20:]
    segments = write_segments(
        RawMetadata(density=(300, 300, 1)), "all", Geometry((8, 6), 1, (8, 6)), None
    )
    assert insert(bare, segments) == bare
    assert insert(bare, write_segment(0xE1, b"x")) == b"\xff\xd8\xff\xe1\x00\x03x" + bare[2:]


def test_max_bytes_can_be_met_exactly_with_a_density() -> None:
    data = file_of(photo(), "JPEG", dpi=(300, 300), quality=50)
    smallest = compress(data, metadata="none", max_bytes=2000, quality=1)
    with pytest.raises(MaxBytesError, match=r"has [0-9]+ bytes") as caught:
        compress(data, metadata="all", max_bytes=300)
    (least,) = map(int, re.findall("has ([0-9]+) bytes", str(caught.value)))
    assert least <= len(smallest)
    assert len(compress(data, metadata="all", max_bytes=least)) <= least


def test_limits_are_those_of_the_standard_and_of_the_documents() -> None:
    assert LONGEST_PROFILE_BYTES == 4 << 20
    # The longest segment of T.81: a marker, and the largest length of 16 bits.
    assert len(write_segment(0xE1, bytes(LONGEST_PAYLOAD_BYTES))) == 2 + 0xFFFF


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
