"""Photometric interpretations become grey, RGB, CMYK or Lab, as other libraries convert them."""

import numpy as np
import pytest
from PIL import Image

from contract.errors import CorruptImageError
from tests.photos import photo
from tests.worker.image.formats.tiff.tiff_files import (
    FLOAT,
    RATIONAL,
    SHORT,
    Value,
    make_tiff,
    samples_of,
    shape_tags,
    values_of,
)
from worker.image.formats.tiff.photometry import divide_by_alpha

PHOTO = photo(30, 20)


def tiff_of(stored: np.ndarray, photometric: int, tags: dict[int, Value] | None = None) -> bytes:
    """Return an uncompressed TIFF of unsigned samples."""
    stored = stored.reshape(*stored.shape[:2], -1)
    bits = stored.dtype.itemsize * 8
    shape = shape_tags(
        stored.shape[1],
        stored.shape[0],
        bits=bits,
        samples=stored.shape[2],
        photometric=photometric,
    )
    return make_tiff([stored.tobytes()], shape | (tags or {}))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero_is_inverted_but_not_its_alpha(dtype: type) -> None:
    stored = PHOTO[..., :2].astype(dtype)
    samples = samples_of(tiff_of(stored, 0, {338: (SHORT, [2])}))
    assert (samples.model, samples.alpha) == ("grey", "straight")
    np.testing.assert_array_equal(samples.values[..., 0], np.iinfo(dtype).max - stored[..., 0])
    np.testing.assert_array_equal(samples.values[..., 1], stored[..., 1])


@pytest.mark.parametrize("unit", [1, 256, 257])
def test_a_palette_of_8_bits_is_read_however_it_is_stored(unit: int) -> None:
    colours = photo(16, 16).reshape(256, 3)
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    palette = (SHORT, [int(value) * unit for value in colours.T.ravel()])
    samples = samples_of(tiff_of(indices, 3, {320: palette}))
    assert samples.model == "rgb"
    assert samples.values.dtype == np.uint8
    np.testing.assert_array_equal(samples.values.reshape(256, 3), colours)


def test_a_palette_of_16_bits_keeps_them_and_its_alpha() -> None:
    colours = np.random.default_rng(0).integers(0, 65536, (256, 3))
    stored = np.dstack((PHOTO[..., 0], PHOTO[..., 1]))
    tags = {320: (SHORT, colours.T.ravel().tolist()), 338: (SHORT, [2])}
    samples = samples_of(tiff_of(stored, 3, tags))
    assert samples.alpha == "straight"
    np.testing.assert_array_equal(samples.values[..., :3], colours[PHOTO[..., 0]])
    np.testing.assert_array_equal(samples.values[..., 3], PHOTO[..., 1].astype(np.uint16) * 257)


@pytest.mark.parametrize("entries", [[], [1, 2], [9] * 30])
def test_a_missing_or_short_palette_is_damage(entries: list[int]) -> None:
    with pytest.raises(CorruptImageError, match="palette"):
        values_of(tiff_of(PHOTO[..., 0], 3, {320: (SHORT, entries)} if entries else {}))


def test_ycbcr_is_converted_as_pillow_does() -> None:
    ycbcr = np.asarray(Image.fromarray(PHOTO).convert("YCbCr"))
    no_subsampling = {530: (SHORT, [1, 1])}
    samples = samples_of(tiff_of(ycbcr, 6, no_subsampling))
    assert samples.model == "rgb"
    expected = np.asarray(Image.fromarray(ycbcr, "YCbCr").convert("RGB")).astype(int)
    # The specification spreads chroma over 127, JFIF over 127.5.
    assert abs(samples.values - expected).max() <= 2
    deep = values_of(tiff_of(ycbcr.astype(np.uint16) * 257, 6, no_subsampling))
    assert abs(deep / 257 - expected).max() <= 2


def test_coefficients_and_reference_levels_count() -> None:
    stored = np.array([[[16, 128, 128], [235, 128, 128], [126, 240, 128]]], np.uint8)
    studio: dict[int, Value] = {
        530: (SHORT, [1, 1]),
        529: (RATIONAL, [2126, 10000, 7152, 10000, 722, 10000]),
        532: (RATIONAL, [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]),
    }
    values = values_of(tiff_of(stored, 6, studio))
    np.testing.assert_array_equal(values[0, :2], [[0, 0, 0], [255, 255, 255]])
    # Of blue alone: 127 * (2 - 2 * 0.0722) over luma, which loses it in green by its weight.
    np.testing.assert_allclose(values[0, 2], [128, 128 - 235.7 * 0.0722 / 0.7152, 255], atol=1)
    useless: dict[int, Value] = {
        529: (FLOAT, [0, 0, 0]),
        532: (FLOAT, [5, 5] * 3),
        530: (SHORT, [1, 1]),
    }
    default = values_of(tiff_of(stored, 6, {530: (SHORT, [1, 1])}))
    np.testing.assert_array_equal(values_of(tiff_of(stored, 6, useless)), default)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cie_lab_is_encoded_as_in_icc_profiles(dtype: type) -> None:
    full = np.iinfo(dtype).max
    unit = 1 if dtype == np.uint8 else 256
    signed = np.array([[[0, 0], [-128, 127], [20, -20]]]) * unit
    lightness = np.array([[[0], [full], [full // 2]]])
    stored = np.concatenate((lightness, signed % (full + 1)), axis=2).astype(dtype)
    samples = samples_of(tiff_of(stored, 8))
    assert samples.model == "lab"
    expected = (signed / unit + 128) / 255 * full
    np.testing.assert_array_equal(samples.values[..., :1], lightness)
    np.testing.assert_allclose(samples.values[..., 1:], expected, atol=1)


def test_icc_lab_is_scaled_from_the_older_encoding() -> None:
    np.testing.assert_array_equal(values_of(tiff_of(PHOTO, 9)), PHOTO)
    stored = np.array([[[0xFF00, 0x8000, 0x8000], [0, 0, 0xFFFF]]], np.uint16)
    np.testing.assert_array_equal(
        values_of(tiff_of(stored, 9)), [[[0xFFFF, 0x8080, 0x8080], [0, 0, 0xFFFF]]]
    )


def test_itu_lab_has_ranges_of_its_own() -> None:
    stored = np.array([[[255, 128, 96], [0, 0, 255]]], np.uint8)
    np.testing.assert_array_equal(values_of(tiff_of(stored, 10)), [[[255, 128, 128], [0, 43, 253]]])
    decode = {433: (10, [0, 1, 100, 1, -128, 1, 127, 1, -128, 1, 127, 1])}
    np.testing.assert_array_equal(values_of(tiff_of(stored, 10, decode)), stored)


def test_cmyk_is_ink() -> None:
    stored = np.dstack((PHOTO, PHOTO[..., 0]))
    samples = samples_of(tiff_of(stored, 5))
    assert samples.model == "cmyk"
    np.testing.assert_array_equal(samples.values, stored)


def test_associated_alpha_stays_with_light_and_is_divided_out_of_ink_and_lab() -> None:
    associated = {338: (SHORT, [1])}
    rgb = samples_of(
        tiff_of(np.dstack((PHOTO // 2, np.full((20, 30), 128, np.uint8))), 2, associated)
    )
    assert rgb.alpha == "premultiplied"
    stored = np.array([[[100, 50, 0, 20, 128], [0, 0, 0, 0, 0]]], np.uint8)
    cmyk = samples_of(tiff_of(stored, 5, associated))
    assert cmyk.alpha == "straight"
    np.testing.assert_array_equal(cmyk.values, [[[199, 100, 0, 40, 128], [0, 0, 0, 0, 0]]])
    lab = np.array([[[100, 138, 118, 128]]], np.uint8)
    divide_by_alpha(lab, "lab")
    np.testing.assert_array_equal(lab, [[[199, 148, 108, 128]]])
