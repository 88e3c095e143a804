"""Metadata of an image that Pillow has opened, as its file has it."""

import io

import pytest
from PIL import Image

from tests.photos import file_of, photo
from tests.worker.image.metadata.tiff_structures import Tag, build, parse, text
from tests.worker.image.tagged_uploads import XMP, make_png, make_tiff
from worker.image.metadata.pillow_metadata import EXIF_NAME, read_metadata
from worker.image.samples import RawMetadata

EXIF = build({0x010E: text("caf\xe9".encode("latin-1")), 0x9201: Tag(10, [-1, 3])})


def read(data: bytes) -> RawMetadata:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return read_metadata(image)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_is_read_byte_for_byte(name: str) -> None:
    assert read(file_of(photo(16, 16), name, exif=EXIF_NAME + EXIF)).exif == EXIF


@pytest.mark.parametrize("name", ["JPEG", "WEBP", "AVIF"])
def test_xmp_is_read_byte_for_byte(name: str) -> None:
    assert read(file_of(photo(16, 16), name, xmp=XMP)).xmp == XMP
    assert read(make_png()).xmp == XMP


def test_exif_of_a_tiff_is_written_anew() -> None:
    exif = read(make_tiff(6)).exif
    assert exif is not None
    assert parse(exif.removeprefix(EXIF_NAME))[0x013B] == text("Someone")


def test_without_metadata_there_is_none() -> None:
    assert read(file_of(photo(16, 16))) == RawMetadata()


def test_density_is_read() -> None:
    assert read(file_of(photo(16, 16), "JPEG")).density == (1, 1, 0)
    for name in ("JPEG", "PNG", "TIFF", "BMP"):
        assert read(file_of(photo(16, 16), name, dpi=(300, 150))).density == (300, 150, 1)
