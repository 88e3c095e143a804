"""EXIF is rewritten with the kept tags; damaged or oversized EXIF is left out."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, TiffTags

from contract.messages import Metadata
from tests.photos import file_of, photo
from tests.worker.image.tagged_uploads import compress, make_exif
from worker.image.metadata.exif import write_exif

LONGEST_BYTES = 65_533
DESCRIPTIONS = {
    *("DocumentName", "ImageDescription", "Make", "Model", "Orientation", "XResolution"),
    *("YResolution", "PageName", "XPosition", "YPosition", "ResolutionUnit", "Software"),
    *(
        "DateTime",
        "Artist",
        "HostComputer",
        "XClipPathUnits",
        "YClipPathUnits",
        "Indexed",
        "OPIProxy",
    ),
}


def rewrite(exif: Image.Exif, keep: Metadata, longest_bytes: int = LONGEST_BYTES) -> Any:
    """Return the EXIF that is kept of a PNG with ``exif``, as Pillow reads it, or None."""
    data = file_of(photo(16, 16), exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        payload = write_exif(image, keep, (8, 6), longest_bytes)
    if payload is None:
        return None
    written = Image.Exif()
    written.load(payload)
    return written


def test_copyright_keeps_artist_and_copyright_only() -> None:
    assert dict(rewrite(make_exif(), "copyright")) == {
        ExifTags.Base.Artist: "Someone",
        ExifTags.Base.Copyright: "(c) Someone",
    }


def test_all_keeps_other_tags_with_the_new_orientation_and_size() -> None:
    written = rewrite(make_exif(orientation=6), "all")
    assert written[ExifTags.Base.Orientation] == 1
    assert written[ExifTags.Base.ImageDescription] == "a secret garden"
    details = written.get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.ExposureTime] == 0.01
    assert details[ExifTags.Base.ExifImageWidth] == 8
    assert details[ExifTags.Base.ExifImageHeight] == 6
    assert written.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_tags_that_describe_stored_pixels_are_not_copied() -> None:
    exif = make_exif()
    exif[ExifTags.Base.BitsPerSample] = 8
    assert ExifTags.Base.BitsPerSample not in rewrite(exif, "all")


def test_of_the_tags_of_tiff_only_those_that_describe_the_photo_are_copied() -> None:
    names = {tag.value: tag.name for tag in ExifTags.Base}
    names |= {number: tag.name for number, tag in TiffTags.TAGS_V2.items()}
    tiff = {number for number in names if 254 <= number <= 532}
    tiff |= {700, 33723, 34377, 34675, 37724, 50341, 0xA005}  # XMP, IPTC, Photoshop, ICC, …
    image = Image.new("L", (8, 8))
    for number in tiff:
        image.getexif()[number] = 1
    payload = write_exif(image, "all", (8, 8), LONGEST_BYTES)
    assert payload is not None
    written = Image.Exif()
    written.load(payload)
    assert {names[number] for number in written} == DESCRIPTIONS


@pytest.mark.parametrize("keep", ["copyright", "all"])
def test_without_kept_tags_there_is_no_exif(keep: Metadata) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    assert rewrite(exif, keep) is None


def test_exif_that_is_too_long_is_left_out() -> None:
    exif = make_exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    assert rewrite(exif, "all") is None


def test_maker_notes_are_left_out_first() -> None:
    exif = make_exif()
    exif[ExifTags.IFD.Exif] = {0x927C: b"m" * 70_000, ExifTags.Base.ExposureTime: 0.01}
    written = rewrite(exif, "all")
    assert written[ExifTags.Base.Artist] == "Someone"
    assert dict(written.get_ifd(ExifTags.IFD.Exif)) == {ExifTags.Base.ExposureTime: 0.01}


@pytest.mark.filterwarnings("ignore::UserWarning")  # as in the worker
@pytest.mark.parametrize("seed", range(30))
def test_a_photo_with_damaged_exif_is_still_compressed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exif = bytearray(make_exif(orientation=1).tobytes())
    for at in rng.integers(6, len(exif), 12):
        exif[at] = rng.integers(0, 256)
    data = file_of(photo(40, 30), "JPEG", exif=bytes(exif))
    for keep in ("copyright", "all"):
        with Image.open(io.BytesIO(compress(data, metadata=keep))) as opened:
            opened.load()
            assert sorted(opened.size) == [30, 40]
            assert opened.getexif().get(ExifTags.Base.Orientation, 1) == 1
