"""Compressions that only libtiff knows are read, and left as they are stored."""

import io

import numpy as np
import pytest
from PIL import Image

from contract.errors import CorruptImageError
from tests.photos import file_of, photo
from tests.worker.image.formats.tiff.tiff_files import SHORT, Value, make_tiff, shape_tags
from worker.image.formats.tiff.read import read

PHOTO = photo(64, 48)


def old_jpeg(**tags: Value) -> bytes:
    """Return a TIFF around a whole JPEG (TIFF 6.0, section 22); keywords are t and the tag's number."""
    jpeg = file_of(PHOTO, "JPEG", quality=95, subsampling="4:4:4")
    fields = shape_tags(64, 48, samples=3, photometric=6) | {
        259: 6,
        512: 1,
        513: 8,
        514: len(jpeg),
        530: (SHORT, [1, 1]),
    }
    return make_tiff([jpeg], fields | {int(name[1:]): value for name, value in tags.items()})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_old_style_jpeg_is_read_and_not_turned(orientation: int) -> None:
    stored = read(old_jpeg(t274=orientation))
    assert stored.orientation == orientation
    assert stored.pixels.model == "rgb"
    assert abs(stored.pixels.values.astype(int) - PHOTO).mean() < 5


def test_a_strip_outside_of_the_file_is_damage() -> None:
    with pytest.raises(CorruptImageError, match="truncated"):
        read(old_jpeg(t273=10_000_000))


def test_damage_that_libtiff_finds_is_damage() -> None:
    with pytest.raises(CorruptImageError):
        read(make_tiff([b"no JPEG"], shape_tags(64, 48, samples=3, photometric=6) | {259: 6}))


def test_bilevel_thunderscan_is_read() -> None:
    # 4-bit grey; 0xC0 + n is a raw level, and 0x00 + n repeats it n times.
    rows = b"".join(bytes((0xC0 + level, 7)) for level in (0, 5, 15))
    data = make_tiff([rows], shape_tags(8, 3, bits=4) | {259: 32809})
    expected = np.repeat(np.array([0, 85, 255], np.uint8), 8).reshape(3, 8)
    np.testing.assert_array_equal(read(data).pixels.values[..., 0], expected)


def test_fax_that_only_libtiff_reads_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(PHOTO).convert("1")
    data = file_of(image, "TIFF", compression="group3")

    def refuse(*_: object) -> None:
        raise CorruptImageError("refused")

    monkeypatch.setattr("worker.image.formats.tiff.segments.decode_fax", refuse)
    pixels = read(data).pixels
    assert pixels.model == "grey"
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    np.testing.assert_array_equal(pixels.values[..., 0], expected)
