"""The conversion to sRGB is chosen by code points, profile and colour model."""

import numpy as np
import pytest
from PIL import Image

from tests.worker.image.colour_profiles import (
    display_p3,
    ink_profile,
    lightness_profile,
    linear_profile,
)
from worker.image.colour.cms import SRGB
from worker.image.colour.conversions import choose_conversion, mix_inks
from worker.image.colour.profiles import profile_of_grey_gamma
from worker.image.samples import Cicp, Samples

RGB = np.full((1, 1, 3), 13_107, np.uint16)  # a fifth
GREY = np.full((1, 1, 1), 13_107, np.uint16)
CMYK = np.array([[[0, 0, 0, 32_768]]], np.uint16)
LAB = np.array([[[32_768, 32_896, 32_896]]], np.uint16)
# IEC 61966-2-1: a fifth of light.
FIFTH = 1.055 * 0.2 ** (1 / 2.4) - 0.055
# ISO 11664-4: L* = 50 is 0.184187 of light.
MIDDLE = 1.055 * 0.184187 ** (1 / 2.4) - 0.055


def converted(samples: Samples, *, keep_colours: bool = False) -> list[float] | None:
    conversion = choose_conversion(samples, keep_colours=keep_colours)
    if conversion is None:
        return None
    values = conversion(samples.values)
    return (values[0, 0] / np.iinfo(values.dtype).max).tolist()


@pytest.mark.parametrize("values", [RGB, (RGB // 257).astype(np.uint8)])
def test_an_rgb_profile_converts_rgb(values: np.ndarray) -> None:
    samples = Samples(values, "rgb", profile=linear_profile())
    assert converted(samples) == pytest.approx([FIFTH] * 3, abs=0.5 / 255)
    assert converted(samples, keep_colours=True) is None


def test_a_table_s_profile_converts_rgb_at_full_depth() -> None:
    dark = np.full((1, 1, 3), 3_003, np.uint16)
    # ISO 11664-4: below 8, L* is light times 903.3.
    light = 100 * 3_003 / 65_535 / 903.3
    expected = 1.055 * light ** (1 / 2.4) - 0.055
    samples = Samples(dark, "rgb", profile=lightness_profile())
    assert converted(samples) == pytest.approx([expected] * 3, abs=0.1 / 255)


@pytest.mark.parametrize("values", [GREY, (GREY // 257).astype(np.uint8)])
def test_a_grey_profile_converts_grey_and_keeps_it_grey(values: np.ndarray) -> None:
    samples = Samples(values, "grey", profile=profile_of_grey_gamma(1.0))
    assert converted(samples) == pytest.approx([FIFTH], abs=0.1 / 255)
    assert converted(samples, keep_colours=True) is None


@pytest.mark.parametrize("values", [CMYK, np.array([[[0, 0, 0, 128]]], np.uint8)])
def test_a_cmyk_profile_converts_cmyk(values: np.ndarray) -> None:
    samples = Samples(values, "cmyk", profile=ink_profile())
    assert converted(samples) == pytest.approx([MIDDLE] * 3, abs=1 / 255)
    assert converted(samples, keep_colours=True) is not None


@pytest.mark.parametrize("values", [LAB, np.array([[[128, 128, 128]]], np.uint8)])
def test_lab_needs_no_profile(values: np.ndarray) -> None:
    assert converted(Samples(values, "lab")) == pytest.approx([MIDDLE] * 3, abs=1 / 255)


def test_lab_has_colours() -> None:
    # sRGB's red in Lab of D50 (ICC's specification of sRGB): 54.29, 80.81, 69.89.
    red = np.array([[[54.29 / 100 * 65_535, (80.81 + 128) * 257, (69.89 + 128) * 257]]])
    samples = Samples(red.astype(np.uint16), "lab")
    assert converted(samples) == pytest.approx([1, 0, 0], abs=0.02)


def test_without_a_profile_the_inks_of_cmyk_are_mixed_as_pillow_does() -> None:
    inks = np.random.default_rng(0).integers(0, 256, (50, 50, 4), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(inks, "CMYK").convert("RGB"))
    assert np.array_equal(mix_inks(inks), expected)
    deep = mix_inks(inks.astype(np.uint16) * 257)
    assert np.abs(deep / 257 - expected).max() <= 0.501


@pytest.mark.parametrize("profile", [None, b"nonsense", linear_profile(), SRGB])
def test_a_profile_that_does_not_apply_is_ignored(profile: bytes | None) -> None:
    assert converted(Samples(GREY, "grey", profile=profile)) is None
    inks = converted(Samples(CMYK, "cmyk", profile=profile))
    assert inks == pytest.approx([0.5] * 3, abs=1e-4)
    assert converted(Samples(RGB, "rgb", profile=ink_profile())) is None


def test_srgb_needs_no_conversion() -> None:
    assert converted(Samples(RGB, "rgb")) is None
    assert converted(Samples(RGB, "rgb", profile=SRGB)) is None
    assert converted(Samples(RGB, "rgb", cicp=Cicp(1, 13))) is None


def test_code_points_come_before_a_profile() -> None:
    linear = Samples(RGB, "rgb", profile=display_p3(), cicp=Cicp(1, 8))
    assert converted(linear) == pytest.approx([FIFTH] * 3, abs=0.1 / 255)
    assert converted(Samples(RGB, "rgb", profile=linear_profile(), cicp=Cicp(1, 13))) is None


def test_unknown_code_points_are_ignored() -> None:
    samples = Samples(RGB, "rgb", profile=linear_profile(), cicp=Cicp(3, 8))
    assert converted(samples) == pytest.approx([FIFTH] * 3, abs=0.2 / 255)


@pytest.mark.parametrize("values", [GREY, (GREY // 257).astype(np.uint8)])
def test_code_points_convert_grey(values: np.ndarray) -> None:
    samples = Samples(values, "grey", cicp=Cicp(9, 8))
    assert converted(samples) == pytest.approx([FIFTH], abs=0.1 / 255)
