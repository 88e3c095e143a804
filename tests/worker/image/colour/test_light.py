"""Samples become sRGB by way of light."""

import imagecodecs
import numpy as np
import pytest

from tests.worker.image.colour_profiles import display_p3, lightness_profile, linear_profile
from worker.image.colour.cms import transform
from worker.image.colour.code_points import CHROMATICITIES
from worker.image.colour.light import space_of_code_points, space_of_profile
from worker.image.samples import Cicp

LINEAR, SRGB, PQ, HLG = 8, 13, 16, 18
BT_2020, P3 = 9, 12
# CSS Color 4, section 18: light of these primaries in that of sRGB's.
MATRICES = {
    P3: [
        [1.2249401762805598, -0.22494017628055996, 0.0],
        [-0.042056954709688163, 1.0420569547096881, 0.0],
        [-0.019637554590334432, -0.078636045550631889, 1.0982736001409663],
    ],
    BT_2020: [
        [1.6604910021084345, -0.58764113878854951, -0.072849863319884883],
        [-0.12455047452159074, 1.1328998971259603, -0.0083494226043694768],
        [-0.018150763354905303, -0.10057889800800739, 1.1187296613629127],
    ],
}


def encode(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, in 16 bits."""
    light = np.clip(light, 0, 1)
    samples = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return samples * 65_535


def random_samples() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65_536, (20, 30, 3), dtype=np.uint16)


@pytest.mark.parametrize("primaries", MATRICES)
def test_wide_gamuts_become_srgb(primaries: int) -> None:
    samples = random_samples()
    expected = encode(samples / 65_535 @ np.transpose(MATRICES[primaries]))
    converted = space_of_code_points(Cicp(primaries, LINEAR)).to_srgb(samples)
    assert np.abs(converted - expected).max() < 0.25 * 257


@pytest.mark.parametrize("primaries", CHROMATICITIES)
def test_white_and_greys_stay_what_they_are(primaries: int) -> None:
    greys = np.arange(0, 65_536, 255, dtype=np.uint16)[None, :, None].repeat(3, axis=2)
    converted = space_of_code_points(Cicp(primaries, SRGB)).to_srgb(greys)
    assert np.abs(converted.astype(int) - greys).max() < 0.1 * 257


def test_xyz_is_a_colour_space_as_well() -> None:
    # The luminance of sRGB's green, and its X and Z, of white E (SMPTE RP 177).
    space = space_of_code_points(Cicp(10, LINEAR))
    converted = space.to_srgb(np.array([[[0, 0, 0], [65_535, 65_535, 65_535]]], np.uint16))
    assert converted[0].tolist() == [[0] * 3, [65_535] * 3]


def tone_mapped(light: float) -> float:
    """Reinhard et al. (2002), equation 4: 1,000 cd/m² become white, which is 203 cd/m² of HDR."""
    peak = 1_000 / 203
    return light * (1 + light / peak**2) / (1 + light)


@pytest.mark.parametrize(
    ("transfer", "signal", "light"),
    [
        (PQ, 0.0, 0.0),
        (PQ, 0.5081, 100 / 203),
        (PQ, 0.5807, 1.0),
        (PQ, 0.7518, 1_000 / 203),
        (PQ, 1.0, 1_000 / 203),
        # BT.2100-2, table 5: 1,000 cd/m² · E^1.2.
        (HLG, 0.0, 0.0),
        (HLG, 0.5, (1 / 12) ** 1.2 * 1_000 / 203),
        (HLG, 0.75, 0.26496**1.2 * 1_000 / 203),
        (HLG, 1.0, 1_000 / 203),
    ],
)
def test_hdr_is_mapped_to_white(transfer: int, signal: float, light: float) -> None:
    samples = np.full((1, 1, 3), round(signal * 65_535), np.uint16)
    converted = space_of_code_points(Cicp(BT_2020, transfer)).to_srgb(samples)
    assert np.abs(converted - encode(np.array(tone_mapped(light)))).max() < 0.3 * 257


def test_hdr_keeps_its_hues() -> None:
    # The strongest channel decides for all three.
    samples = np.array([[[0.7, 0.5, 0.5]]]) * 65_535
    space = space_of_code_points(Cicp(BT_2020, PQ))
    converted = space.to_srgb(samples.round().astype(np.uint16))
    nits = {0.5: 92.2457, 0.7: 623.3}  # SMPTE ST 2084
    light = np.array([nits[0.7], nits[0.5], nits[0.5]]) / 203
    light *= tone_mapped(light[0]) / light[0]
    expected = encode(np.array(MATRICES[BT_2020]) @ light)
    assert np.abs(converted[0, 0] - expected).max() < 257


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(display_p3(), id="Display P3"),
        pytest.param(linear_profile(), id="linear sRGB"),
        pytest.param(imagecodecs.cms_profile("adobergb"), id="Adobe RGB"),
        pytest.param(
            imagecodecs.cms_profile(
                "rgb",
                whitepoint=(0.3457, 0.3585),
                primaries=(0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001),
                gamma=1.8,
            ),
            id="ProPhoto RGB",
        ),
    ],
)
def test_profiles_of_curves_and_a_matrix_are_colour_spaces(profile: bytes) -> None:
    space = space_of_profile(profile)
    assert space is not None
    samples = random_samples()
    samples[0] //= 64  # darkness is where depth counts
    expected = transform(samples, profile, "rgb", exact=True)
    assert np.abs(space.to_srgb(samples).astype(int) - expected).max() < 0.4 * 257


def test_a_profile_of_another_kind_is_no_colour_space() -> None:
    assert space_of_profile(lightness_profile()) is None


def test_a_profile_without_light_is_no_colour_space() -> None:
    profile = linear_profile()
    start = profile.index(b"rXYZ")
    offset = int.from_bytes(profile[start + 4 : start + 8], "big") + 8
    black = profile[:offset] + bytes(12) + profile[offset + 12 :]
    assert space_of_profile(black) is None
