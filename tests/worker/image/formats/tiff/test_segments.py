"""Strips and tiles come to their places, whatever their order, size and packing."""

import zlib
from collections.abc import Callable

import numpy as np
import pytest

from contract.errors import CorruptImageError
from tests.photos import file_of, photo
from tests.worker.image.formats.tiff.tiff_files import (
    SHORT,
    Value,
    make_tiff,
    samples_of,
    shape_tags,
    values_of,
)
from worker.image.formats.tiff import segments

PHOTO = photo(75, 50)
RGB = shape_tags(75, 50, samples=3, photometric=2)
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def strips_of(stored: np.ndarray, rows: int) -> list[bytes]:
    return [stored[row : row + rows].tobytes() for row in range(0, len(stored), rows)]


def tiles_of(stored: np.ndarray, height: int, width: int) -> list[bytes]:
    padded = np.pad(stored, ((0, height), (0, width), (0, 0)), mode="edge")
    return [
        padded[row : row + height, column : column + width].tobytes()
        for row in range(0, stored.shape[0], height)
        for column in range(0, stored.shape[1], width)
    ]


@pytest.mark.parametrize("rows", [1, 7, 50])
@pytest.mark.parametrize("band_samples", [1, 3000, 1 << 19])
def test_strips(rows: int, band_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "BAND_SAMPLES", band_samples)
    data = make_tiff(strips_of(PHOTO, rows), RGB | {278: rows})
    np.testing.assert_array_equal(values_of(data), PHOTO)


@pytest.mark.parametrize("size", [(16, 16), (16, 64), (64, 16), (256, 256)])
def test_tiles_go_on_behind_the_border(size: tuple[int, int]) -> None:
    data = make_tiff(tiles_of(PHOTO, *size), RGB | {322: size[1], 323: size[0]})
    np.testing.assert_array_equal(values_of(data), PHOTO)


def test_planes() -> None:
    strips = [strip for plane in range(3) for strip in strips_of(PHOTO[..., plane : plane + 1], 16)]
    np.testing.assert_array_equal(values_of(make_tiff(strips, RGB | {278: 16, 284: 2})), PHOTO)
    tiles = [tile for plane in range(3) for tile in tiles_of(PHOTO[..., plane : plane + 1], 32, 32)]
    data = make_tiff(tiles, RGB | {322: 32, 323: 32, 284: 2})
    np.testing.assert_array_equal(values_of(data), PHOTO)


def test_samples_that_are_not_read_are_left_out() -> None:
    stored = np.dstack((PHOTO, PHOTO[..., :2]))
    tags = shape_tags(75, 50, samples=5, photometric=2)
    np.testing.assert_array_equal(values_of(make_tiff([stored.tobytes()], tags)), PHOTO)
    samples = samples_of(make_tiff([stored.tobytes()], tags | {338: (SHORT, [0, 2])}))
    np.testing.assert_array_equal(samples.values, stored[..., [0, 1, 2, 4]])


def test_a_last_strip_with_all_rows_is_cut() -> None:
    padded = np.pad(PHOTO, ((0, 6), (0, 0), (0, 0)))
    strips = [zlib.compress(strip) for strip in strips_of(padded, 8)]
    np.testing.assert_array_equal(values_of(make_tiff(strips, RGB | {278: 8, 259: 8})), PHOTO)


@pytest.mark.parametrize("counts", [[0], [1], [10_000_000]])
def test_byte_counts_of_uncompressed_strips_do_not_matter(counts: list[int]) -> None:
    data = make_tiff([PHOTO.tobytes()], RGB | {279: counts})
    np.testing.assert_array_equal(values_of(data), PHOTO)


@pytest.mark.parametrize(
    ("compression", "encode"), [(1, bytes), (8, zlib.compress)], ids=["none", "deflate"]
)
def test_a_strip_that_is_too_short_is_damage(
    compression: int, encode: Callable[[bytes], bytes]
) -> None:
    for stored in (PHOTO[:-1].tobytes(), b""):
        tags = RGB | {259: compression}
        data = make_tiff([encode(stored)], tags)
        # Nothing is behind the strip but the directory.
        with pytest.raises(CorruptImageError):
            values_of(data if compression == 8 else data.replace(stored, b"") if stored else data)


def test_a_compressed_strip_behind_the_file_is_damage() -> None:
    encoded = zlib.compress(PHOTO.tobytes())
    tags: dict[int, Value] = RGB | {259: 8, 279: [10_000_000]}
    with pytest.raises(CorruptImageError, match="truncated"):
        values_of(make_tiff([encoded], tags))


@pytest.mark.parametrize("compression", [1, 8])
def test_bits_may_be_reversed(compression: int) -> None:
    stored = PHOTO.tobytes()
    encoded = (zlib.compress(stored) if compression == 8 else stored).translate(REVERSED)
    data = make_tiff([encoded], RGB | {259: compression, 266: 2})
    np.testing.assert_array_equal(values_of(data), PHOTO)
    jpeg = file_of(PHOTO[..., 0], "JPEG")
    tags = shape_tags(75, 50) | {259: 7}
    expected = values_of(make_tiff([jpeg], tags))
    np.testing.assert_array_equal(values_of(make_tiff([jpeg], tags | {266: 2})), expected)


@pytest.mark.parametrize("rows", [8, 50])
def test_subsampled_planes_are_filled_up(rows: int) -> None:
    grey = np.full((50, 75, 1), 128, np.uint8)
    red = np.full((25, 38, 1), 128, np.uint8)
    red[10:] = 240
    luma = strips_of(PHOTO[..., :1], rows)
    chroma = strips_of(grey[:25, :38], rows // 2), strips_of(red, rows // 2)
    tags = shape_tags(75, 50, samples=3, photometric=6) | {278: rows, 284: 2, 530: (SHORT, [2, 2])}
    values = values_of(make_tiff([*luma, *chroma[0], *chroma[1]], tags))
    np.testing.assert_array_equal(values[:20], PHOTO[:20, :, :1].repeat(3, axis=2))
    assert (values[20:, :, 0].astype(int) > PHOTO[20:, :, 0]).mean() > 0.9


def test_a_jpeg_that_is_smaller_than_its_strip_is_damage() -> None:
    jpeg = file_of(PHOTO[:-1, :, 0], "JPEG")
    with pytest.raises(CorruptImageError, match="smaller"):
        values_of(make_tiff([jpeg], shape_tags(75, 50) | {259: 7}))
    narrow = file_of(PHOTO[:, :-1, 0], "JPEG")
    with pytest.raises(CorruptImageError, match="smaller"):
        values_of(make_tiff([narrow], shape_tags(75, 50) | {259: 7}))
