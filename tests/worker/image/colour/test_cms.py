"""Little CMS converts samples of 8 and 16 bits."""

import numpy as np
import pytest

from tests.worker.image.colour_profiles import linear_profile
from worker.image.colour.cms import SRGB, ProfileError, transform


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65_535)])
def test_samples_keep_their_depth(kind: type, full: int) -> None:
    samples = np.full((2, 3, 3), round(0.2 * full), kind)
    converted = transform(samples, linear_profile(), "rgb", exact=True)
    assert converted.dtype == kind
    assert converted.shape == (2, 3, 3)
    # IEC 61966-2-1.
    assert np.abs(converted / full - (1.055 * 0.2 ** (1 / 2.4) - 0.055)).max() < 1 / 255


def test_without_tables_sixteen_bits_are_exact() -> None:
    samples = np.arange(0, 2_000, dtype=np.uint16).repeat(3).reshape(1, -1, 3)
    converted = transform(samples, linear_profile(), "rgb", exact=True)[0, :, 0] / 65_535
    light = np.arange(2_000) / 65_535
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(converted - expected).max() < 0.1 / 255


def test_a_profile_of_another_model_is_an_error() -> None:
    with pytest.raises(ProfileError):
        transform(np.zeros((1, 1, 4), np.uint8), SRGB, "cmyk")


def test_nonsense_is_an_error() -> None:
    with pytest.raises(ProfileError):
        transform(np.zeros((1, 1, 3), np.uint8), b"nonsense", "rgb")
