"""Photos of any depth, alpha and colour space become 8-bit sRGB in bounded memory."""

import tracemalloc

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.photos import photo
from tests.worker.image.colour_profiles import display_p3, ink_profile
from worker.image.colour import convert as module
from worker.image.colour.cms import SRGB
from worker.image.colour.convert import convert, find_own_profile, to_picture
from worker.image.colour.profiles import (
    SRGB_PRIMARIES,
    SRGB_WHITE,
    profile_of_chromaticities,
    profile_of_grey_gamma,
)
from worker.image.samples import Cicp, Samples

ADOBE = imagecodecs.cms_profile("adobergb")
GREY = profile_of_grey_gamma(1.0)
LINEAR = profile_of_chromaticities(SRGB_WHITE, *SRGB_PRIMARIES, 1.0)


def encode(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, in 8 bits."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_a_linear_ramp_of_16_bits_has_all_levels() -> None:
    # In 8 bits, the dark half of a linear ramp has a few levels only.
    ramp = np.linspace(0, 4_000, 512).astype(np.uint16)[None, :, None].repeat(4, axis=0)
    pixels = convert(Samples(ramp, "grey", profile=GREY), keep_colours=False)
    assert pixels.shape == (4, 512)
    assert np.abs(pixels[0] - encode(ramp[0, :, 0] / 65_535)).max() <= 0.51
    assert np.array_equal(np.unique(pixels), np.arange(pixels.max() + 1))
    assert pixels.max() == 70


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_linear_colours_of_16_bits_are_exact(kind: type) -> None:
    full = 65_535 if kind is np.uint16 else 1
    light = np.random.default_rng(0).random((30, 40, 3)) ** 4
    samples = Samples((light * full).astype(kind), "rgb", profile=LINEAR)
    pixels = convert(samples, keep_colours=False)
    assert np.abs(pixels - encode(light)).max() <= 0.8


@pytest.mark.parametrize("alpha", ["straight", "premultiplied"])
def test_alpha_is_applied_after_the_colours_are_converted(alpha: str) -> None:
    rng = np.random.default_rng(0)
    light, shares = rng.random((30, 40, 3)), rng.random((30, 40, 1))
    shares[0], shares[1] = 0, 1
    colours = light * shares if alpha == "premultiplied" else light
    values = np.rint(np.concatenate([colours, shares], axis=2) * 65_535).astype(np.uint16)
    pixels = convert(Samples(values, "rgb", alpha, LINEAR), keep_colours=False)
    expected = encode(light) * shares + 255 * (1 - shares)
    errors = np.abs(pixels - expected)
    # Where little is left of a colour, 16 bits tell little of it.
    assert errors.max() <= 1
    assert (pixels[0] == 255).all()


@pytest.mark.parametrize("alpha", ["straight", "premultiplied"])
def test_opaque_alpha_changes_nothing(alpha: str) -> None:
    values = np.full((3, 3, 4), 255, np.uint8)
    values[..., :3] = photo(3, 3)
    pixels = convert(Samples(values, "rgb", alpha), keep_colours=False)
    assert np.array_equal(pixels, values[..., :3])


def test_pixels_of_8_bits_with_alpha_are_rounded_once() -> None:
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    pixels = convert(Samples(values, "rgb", "straight", LINEAR), keep_colours=False)
    shares = values[..., 3:] / 255
    expected = encode(values[..., :3] / 255) * shares + 255 * (1 - shares)
    assert np.abs(pixels - expected).max() <= 0.8


def test_pixels_of_8_bits_without_conversion_are_not_copied() -> None:
    values = photo(16, 16)
    assert np.shares_memory(
        convert(Samples(values, "rgb", profile=SRGB), keep_colours=False), values
    )


def test_colours_are_kept_on_request() -> None:
    values = np.full((2, 2, 4), 13_107, np.uint16)
    values[0, :, 3] = 65_535
    values[1, :, 3] = 0
    pixels = convert(Samples(values, "rgb", "straight", ADOBE), keep_colours=True)
    assert (pixels[0] == 51).all()
    assert (pixels[1] == 255).all()


@pytest.mark.parametrize("model", ["grey", "rgb", "cmyk"])
def test_bands_change_nothing(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = {"grey": 1, "rgb": 3, "cmyk": 4}[model]
    profile = {"grey": GREY, "rgb": ADOBE, "cmyk": ink_profile()}[model]
    values = np.random.default_rng(0).integers(0, 65_536, (50, 7, channels + 1)).astype(np.uint16)
    samples = Samples(values, model, "straight", profile)
    whole = convert(samples, keep_colours=False)
    monkeypatch.setattr(module, "SMALL_BAND_PIXELS", 1)
    assert np.array_equal(convert(samples, keep_colours=False), whole)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_conversion_takes_little_beside_samples_and_pixels(kind: type) -> None:
    values = np.ones((1_200, 1_500, 4), kind)
    values[..., 3] = 0.5 if kind is np.float32 else 30_000
    samples = Samples(values, "rgb", "premultiplied", ADOBE)
    tracemalloc.start()
    try:
        pixels = convert(samples, keep_colours=False)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 30 for a pixel, less what float32 with alpha takes itself, and less Pillow's copy.
    assert peak_bytes <= (30 - 16 - 4) * pixels.shape[0] * pixels.shape[1]


def test_a_picture_is_grey_or_rgb() -> None:
    for model, channels, mode in (("grey", 1, "L"), ("rgb", 3, "RGB"), ("cmyk", 4, "RGB")):
        samples = Samples(np.zeros((2, 3, channels), np.uint8), model)
        picture = to_picture(samples, keep_colours=False)
        assert (picture.mode, picture.size) == (mode, (3, 2))


def test_pictures_are_converted_unless_their_colours_are_kept() -> None:
    picture = Image.fromarray(np.full((2, 2, 3), 51, np.uint8))
    picture.info["icc_profile"] = LINEAR
    assert to_picture(picture, keep_colours=True) is picture
    assert np.asarray(to_picture(picture, keep_colours=False)).max() > 120


def test_only_a_profile_of_the_jpegs_own_colours_can_be_kept() -> None:
    rgb, grey = np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 1), np.uint8)
    inks = np.zeros((1, 1, 4), np.uint8)
    assert find_own_profile(Samples(rgb, "rgb", profile=ADOBE)) == ADOBE
    assert find_own_profile(Samples(rgb, "rgb", profile=SRGB)) == SRGB
    assert find_own_profile(Samples(grey, "grey", profile=GREY)) == GREY
    assert find_own_profile(Samples(grey, "grey", profile=ADOBE)) is None
    assert find_own_profile(Samples(rgb, "rgb", profile=b"nonsense")) is None
    assert find_own_profile(Samples(rgb, "rgb")) is None
    assert find_own_profile(Samples(inks, "cmyk", profile=ink_profile())) is None
    assert find_own_profile(Samples(rgb, "rgb", profile=display_p3(), cicp=Cicp(9, 16))) is None
    picture = Image.new("L", (1, 1))
    picture.info["icc_profile"] = GREY
    assert find_own_profile(picture) == GREY
