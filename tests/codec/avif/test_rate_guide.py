"""The file of rates, and that the installed libaom obeys it."""

import numpy as np
import pytest

from codec.avif.libaom import read_avif, write_avif
from codec.avif.rate_guide import LEAST_SIDE_PX, RateGuide
from codec.avif.tuning import choose_guide_tuning
from tests.codec.avif.pictures import soft_scene
from tests.codec.pictures import scene, spot
from tests.photos import psnr

PHOTO = soft_scene(384, 512)
TUNING = choose_guide_tuning("perceptual", 0.6)
LEVEL = 32


def write(guide: bytes | None, level: int = LEVEL) -> bytes:
    return write_avif(PHOTO, level, guide, metric=TUNING.metric, subsampled=True)


def numbers(guide: bytes) -> list[list[float]]:
    return [[float(number) for number in row.split()] for row in guide.decode().splitlines()]


def test_there_is_a_number_for_each_block_of_16_pixels() -> None:
    for height, width in ((320, 448), (65, 95), (320, 450)):
        guide = RateGuide(scene(height, width), spot(20, 28), TUNING).write(LEVEL, 0.0)
        assert guide is not None
        rows = numbers(guide)
        assert (len(rows), {len(row) for row in rows}) == (-(-height // 16), {-(-width // 16)})


def test_the_installed_libaom_obeys_the_file() -> None:
    """A version that ignores it writes the same file for each map, and gains nothing."""
    maps = [spot(48, 64, centre_x=x) for x in (0.25, 0.75)]
    guides = [RateGuide(PHOTO, saliency, TUNING).write(LEVEL, 0.0) for saliency in maps]
    shown = [read_avif(write(guide)) for guide in guides]
    gains = []
    for own, other, x in ((0, 1, 0.25), (1, 0, 0.75)):
        full = spot(*PHOTO.shape[:2], centre_x=x)
        hot = full >= np.quantile(full, 0.75)
        gains.append(psnr(shown[own][hot], PHOTO[hot]) - psnr(shown[other][hot], PHOTO[hot]))
    assert min(gains) > 0.8, gains


def test_with_the_file_the_salient_region_is_better_at_equal_bytes() -> None:
    full = spot(*PHOTO.shape[:2])
    hot = full >= np.quantile(full, 0.75)
    guided = write(RateGuide(PHOTO, spot(48, 64), TUNING).write(LEVEL, 0.0))
    plain = next(
        data for level in range(1, 64) if len(data := write(None, level)) <= len(guided) * 1.02
    )
    gain = psnr(read_avif(guided)[hot], PHOTO[hot]) - psnr(read_avif(plain)[hot], PHOTO[hot])
    assert gain > 0.5


def test_a_shift_changes_bytes_by_less_than_a_level() -> None:
    guide = RateGuide(PHOTO, spot(48, 64), TUNING)
    assert guide.may_shift
    sizes = [len(write(guide.write(LEVEL, shift))) for shift in (-0.3, -0.1, 0.0, 0.1, 0.3)]
    assert sizes == sorted(sizes, reverse=True)
    assert 0.88 < sizes[-1] / sizes[0] < 0.99


def test_small_pictures_get_no_file() -> None:
    """Of fewer than 32 pixels, libaom reads beyond the end of its array."""
    side = LEAST_SIDE_PX
    for shape in ((side - 1, 500), (500, side - 1)):
        guide = RateGuide(scene(*shape), spot(8, 8), TUNING)
        assert guide.write(LEVEL, 0.0) is None
        assert not guide.may_shift
    assert RateGuide(scene(side, side), spot(8, 8), TUNING).write(LEVEL, 0.0) is not None


def test_pictures_whose_rates_libaom_can_not_add_get_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guide = RateGuide(PHOTO, spot(48, 64), TUNING)
    monkeypatch.setattr("codec.avif.rate_guide.MOST_RATE", 1000.0)
    assert guide.write(LEVEL, 0.0) is None


def test_numbers_are_finite_on_flat_pictures() -> None:
    flat = np.full((128, 192, 3), 200, np.uint8)
    for shift in (-0.5, 0.0, 0.5):
        guide = RateGuide(flat, spot(16, 24), TUNING).write(LEVEL, shift)
        assert guide is not None
        assert np.isfinite(numbers(guide)).all()
