"""Signed and floating-point samples end in the range that their values show."""

import numpy as np
import pytest

from tests.photos import photo
from tests.worker.image.formats.tiff.tiff_files import make_tiff, shape_tags
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.ranges import (
    BAND_SAMPLES,
    bands_of,
    find_full_scale,
    read_no_data,
    settle_deep,
    settle_deep_signed,
    settle_signed,
)

PHOTO = photo(40, 30)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["signed", "unsigned", "positive"])
def test_signed_samples_are_what_looks_like_a_photo(dtype: type, kind: str) -> None:
    half = np.iinfo(dtype).max // 2 + 1
    expected = PHOTO.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    if kind == "positive":
        expected //= 2
    # As `scale` gives them: two's complement moved up by half.
    samples = expected.copy() if kind == "signed" else expected ^ dtype(half)
    settle_signed(samples)
    np.testing.assert_array_equal(samples, expected)


def test_rare_negative_samples_are_none() -> None:
    stored = PHOTO // 2 + np.uint8(128)
    stored[3, 4] = 127
    settle_signed(stored)
    np.testing.assert_array_equal(stored[3, 4], 0)
    np.testing.assert_array_equal(stored[5], PHOTO[5] // 2)


@pytest.mark.parametrize("full_scale", [1, 255, 1_023, 4_095, 16_383, 65_535])
def test_floats_are_scaled_by_their_range(full_scale: float) -> None:
    floats = PHOTO.astype(np.float32) * np.float32(full_scale / 255)
    np.testing.assert_allclose(settle_deep(floats, 3), PHOTO.astype(float) * 257, atol=1)


def test_highlights_do_not_darken_a_photo() -> None:
    floats = PHOTO.astype(np.float32) / 255
    floats[:10] *= 40
    floats[0, 0] = np.inf
    floats[0, 2] = 3e38
    floats[0, 1] = -np.inf
    scaled = settle_deep(floats, 3)
    np.testing.assert_array_equal(scaled[10:], np.rint(floats[10:] * 65_535))
    np.testing.assert_array_equal(scaled[0, [0, 2]], 65_535)
    np.testing.assert_array_equal(scaled[0, 1], 0)


def test_alpha_has_a_range_of_its_own() -> None:
    floats = np.dstack((PHOTO.astype(np.float32), np.full((30, 40), 0.5, np.float32)))
    scaled = settle_deep(floats, 3)
    np.testing.assert_array_equal(scaled[..., :3], PHOTO.astype(np.uint16) * 257)
    np.testing.assert_array_equal(scaled[..., 3], 32_768)


@pytest.mark.parametrize(
    ("values", "full_scale"),
    [
        ([0], 1),
        ([-1, 0.5], 1),
        ([0.5, 0.9, 3, 4, 5], 1),
        ([2, 200], 255),
        ([2, 256], 1_023),
        ([2, 1_024], 4_095),
        ([2, 4_096], 16_383),
        ([2, 16_384], 65_535),
        ([2, 70_000], 70_000),
    ],
)
def test_full_scales(values: list[float], full_scale: float) -> None:
    assert find_full_scale(np.array([[values]], np.float32), None) == full_scale


@pytest.mark.parametrize("value", [9999, -9999, 3.4e38, -3.4e38, np.inf])
def test_no_data_does_not_decide_the_range(value: float) -> None:
    floats = PHOTO.astype(np.float32)
    floats[:20] = value
    scaled = settle_deep(floats, 3, no_data=9999)
    np.testing.assert_array_equal(scaled[20:], PHOTO[20:].astype(np.uint16) * 257)
    np.testing.assert_array_equal(scaled[:20], 65_535 if value > 0 else 0)


def test_floats_that_are_all_huge_are_white() -> None:
    huge = np.array([[[3.3e34, 1.5e38, np.finfo(np.float32).max]]], np.float32)
    np.testing.assert_array_equal(settle_deep(huge, 3), 65_535)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_signed_no_data_is_not_the_darkest(dtype: type) -> None:
    half = np.iinfo(dtype).max // 2 + 1
    # As `scale` gives them: 0 is the lowest number.
    samples = PHOTO.astype(dtype) // 2 + dtype(half)
    samples[:20] = 0
    settle_signed(samples, -half)
    np.testing.assert_array_equal(samples[20:], PHOTO[20:] // 2)
    np.testing.assert_array_equal(samples[:20], 0)


def test_deep_signed_no_data_is_not_the_darkest() -> None:
    samples = np.array([[[-(2**31), 0, 100]]], np.float32)
    settle_deep_signed(samples, 2**32 - 1, -(2**31))
    np.testing.assert_array_equal(samples, [[[-(2**31), 0, 100]]])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"-9999\0", -9999),
        (b" 1e3 \0", 1000),
        (b"nan\0", None),
        (b"-3.4028234663852886e+38\0", None),
        (b"1e999", None),
        (b"none", None),
        (b"9" * 65, None),
    ],
)
def test_the_value_of_no_data_is_read(text: bytes, value: float | None) -> None:
    data = make_tiff([b""], shape_tags(9, 9) | {42_113: text})
    assert read_no_data(Directory(data)) == value


def test_bands_are_small_and_complete() -> None:
    samples = np.zeros((1000, BAND_SAMPLES // 100, 1), np.uint8)
    for band in bands_of(samples):
        assert samples[band].size <= BAND_SAMPLES
        samples[band] += 1
    assert samples.min() == samples.max() == 1


@pytest.mark.parametrize("full_scale", [255, 65_535, 2**24 - 1])
def test_integers_of_more_than_16_bits_may_hold_shallower_ones(full_scale: int) -> None:
    integers = np.rint(PHOTO.astype(np.float64) * (full_scale / 255)).astype(np.float32)
    scaled = settle_deep(integers, 3, 2**24 - 1)
    np.testing.assert_allclose(scaled, PHOTO.astype(float) * 257, atol=1)


def test_deep_bilevel_samples_are_not_stretched() -> None:
    assert settle_deep(np.ones((1, 1, 1), np.float32), 1, 2**32 - 1).item() == 257


def test_deep_signed_samples_are_moved_up_if_many_are_negative() -> None:
    samples = np.array([[[-(2**31), 0, 2**31 - 1]]], np.float32)
    settle_deep_signed(samples, 2**32 - 1)
    np.testing.assert_array_equal(samples, [[[0, 2**31, 2**32]]])
    samples = np.array([[[-1, 0, 100]]], np.float32)
    settle_deep_signed(samples, 2**32 - 1)
    np.testing.assert_array_equal(samples, [[[-1, 0, 100]]])
