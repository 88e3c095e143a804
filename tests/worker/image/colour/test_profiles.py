"""ICC profiles are told apart by what they do."""

import imagecodecs
import numpy as np
import pytest

from tests.worker.image.colour_profiles import display_p3, linear_profile, table_profile
from worker.image.colour.cms import SRGB, transform
from worker.image.colour.profiles import (
    SRGB_PRIMARIES,
    SRGB_WHITE,
    find_effect,
    is_restricted,
    profile_of_chromaticities,
    profile_of_grey_gamma,
)

P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))


def test_what_changes_nothing_is_srgb() -> None:
    assert find_effect(SRGB, "rgb") == "srgb"
    rounded = imagecodecs.cms_profile(
        "rgb",
        whitepoint=SRGB_WHITE,
        primaries=sum(SRGB_PRIMARIES, ()),
        transferfunction=np.float32([srgb_to_light(level / 255) for level in range(256)]),
    )
    assert find_effect(rounded, "rgb") == "srgb"


@pytest.mark.parametrize(("exponent", "effect"), [(1.01, "srgb"), (1.02, "other")])
def test_a_profile_may_move_samples_by_one_level(exponent: float, effect: str) -> None:
    # By 0.9 and by 1.8 levels at the most.
    curve = np.float32([srgb_to_light(level / 1_023) for level in range(1_024)]) ** exponent
    profile = imagecodecs.cms_profile(
        "rgb",
        whitepoint=SRGB_WHITE,
        primaries=sum(SRGB_PRIMARIES, ()),
        transferfunction=curve.astype(np.float32),
    )
    assert find_effect(profile, "rgb") == effect


def srgb_to_light(sample: float) -> float:
    """IEC 61966-2-1."""
    return sample / 12.92 if sample <= 0.04045 else ((sample + 0.055) / 1.055) ** 2.4


def test_a_profile_is_not_srgb_by_its_name() -> None:
    named = display_p3().replace(b"w\0i\0d\0e", b"s\0R\0G\0B")
    assert b"s\0R\0G\0B" in named
    assert find_effect(named, "rgb") == "other"


def test_a_linear_profile_with_the_primaries_of_srgb_is_not_srgb() -> None:
    assert find_effect(linear_profile(), "rgb") == "other"


@pytest.mark.parametrize(
    "profile", [b"", b"nonsense", bytes(200), SRGB[:300], SRGB[:128] + bytes(460)]
)
def test_a_damaged_profile_has_no_effect(profile: bytes) -> None:
    assert find_effect(profile, "rgb") == "none"


def test_a_profile_for_another_colour_model_has_no_effect() -> None:
    assert find_effect(SRGB, "grey") == "none"
    assert find_effect(SRGB, "cmyk") == "none"


def test_a_device_link_has_no_effect() -> None:
    assert find_effect(SRGB[:12] + b"link" + SRGB[16:], "rgb") == "none"


def test_a_long_profile_is_compared_as_well() -> None:
    assert find_effect(linear_profile() + bytes(100_000), "rgb") == "other"


def test_a_jp2_has_profiles_without_tables_only() -> None:
    grey = profile_of_grey_gamma(1.0)
    assert grey is not None
    for profile in (SRGB, linear_profile(), display_p3(), grey):
        assert is_restricted(profile)
    for profile in (
        table_profile(b"RGB ", lambda levels: 100.0 * sum(levels) / 3),
        linear_profile().replace(b"mntr", b"spac"),
        linear_profile().replace(b"gTRC", b"xTRC"),
        linear_profile().replace(b"RGB XYZ ", b"RGB Lab "),
        linear_profile()[:140],
    ):
        assert not is_restricted(profile)


@pytest.mark.parametrize("gamma", [2.2, 1 / 0.45455, 1 / 0.45])
def test_the_gamma_that_encoders_write_for_srgb_is_srgb(gamma: float) -> None:
    assert profile_of_chromaticities(SRGB_WHITE, *SRGB_PRIMARIES, gamma) is None
    rounded = ((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
    assert profile_of_chromaticities(*rounded, gamma) is None
    assert profile_of_grey_gamma(gamma) is None


@pytest.mark.parametrize("primaries", [P3, ADOBE])
def test_chromaticities_become_a_profile(primaries: tuple[tuple[float, float], ...]) -> None:
    profile = profile_of_chromaticities(SRGB_WHITE, *primaries, 2.2)
    assert profile is not None
    samples = np.full((1, 1, 3), 30_000, np.uint16)
    samples[..., 0] = 40_000
    converted = transform(samples, profile, "rgb", exact=True)[0, 0] / 65_535
    light = (samples[0, 0] / 65_535) ** 2.2
    linear = np.linalg.solve(to_xyz(SRGB_PRIMARIES), to_xyz(primaries) @ light)
    encoded = 1.055 * linear ** (1 / 2.4) - 0.055
    assert np.abs(converted - encoded).max() < 0.002


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    """SMPTE RP 177: the matrix from light of these primaries, with white D65, to XYZ."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    x, y = SRGB_WHITE
    return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])


def test_a_grey_gamma_becomes_a_profile() -> None:
    profile = profile_of_grey_gamma(1.0)
    assert profile is not None
    assert find_effect(profile, "grey") == "other"
    light = np.full((1, 1, 1), 0.2 * 65_535, np.uint16)
    converted = transform(light, profile, "grey", exact=True)
    assert converted[0, 0] / 65_535 == pytest.approx(1.055 * 0.2 ** (1 / 2.4) - 0.055, abs=0.001)


@pytest.mark.parametrize(
    ("white", "primaries", "gamma"),
    [
        (SRGB_WHITE, SRGB_PRIMARIES, 0.0),
        (SRGB_WHITE, SRGB_PRIMARIES, float("inf")),
        (SRGB_WHITE, SRGB_PRIMARIES, float("nan")),
        ((0.3127, 0.0), SRGB_PRIMARIES, 1.0),
        ((0.9, 0.1), SRGB_PRIMARIES, 1.0),
        (SRGB_WHITE, ((0.0, 0.0),) * 3, 1.0),
        (SRGB_WHITE, ((0.31, 0.33), (0.31, 0.33), (0.32, 0.33)), 1.0),
    ],
)
def test_impossible_chromaticities_count_as_srgb(
    white: tuple[float, float], primaries: tuple[tuple[float, float], ...], gamma: float
) -> None:
    assert profile_of_chromaticities(white, *primaries, gamma) is None


@pytest.mark.parametrize("gamma", [0.0, -1.0, 1e9, float("nan")])
def test_an_impossible_grey_gamma_counts_as_srgb(gamma: float) -> None:
    assert profile_of_grey_gamma(gamma) is None
