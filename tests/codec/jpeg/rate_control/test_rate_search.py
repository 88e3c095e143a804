import io

import numpy as np
import pytest
from PIL import Image

from codec.jpeg.components import split_components
from codec.jpeg.encode import encode
from codec.jpeg.file_search import write_jpeg
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.rate_control.passes import Pass, Point
from codec.jpeg.rate_control.rate_search import RateSearch
from codec.jpeg.rate_control.target import Goal
from codec.jpeg.rate_control.trials import LIMIT, MAX_PASSES, TOLERANCE, Trials
from codec.settings import EncodeSettings
from tests.codec.pictures import scene, sky

IMAGE = scene(160, 224)
COMPONENTS = split_components(IMAGE, None, subsample=True, tuning=PSNR.default)


def make_goal(target_bytes: float) -> Goal:
    return Goal(target_bytes, target_bytes * 1.01)


@pytest.mark.parametrize("target_bytes", [1500, 4000, 12000, 30000])
@pytest.mark.parametrize("step", [0.5, 20.0, 900.0])
def test_the_target_is_met_from_any_start(target_bytes: int, step: float) -> None:
    search = RateSearch(Blocks(COMPONENTS), PSNR.default, make_goal(target_bytes))
    chosen = search.find(step)
    assert abs(np.log(chosen.file_bytes / target_bytes)) < TOLERANCE
    assert search.passes <= MAX_PASSES


def test_the_blocks_hold_the_qcoefs_of_the_returned_pass() -> None:
    search = RateSearch(Blocks(COMPONENTS), PSNR.default, make_goal(6000))
    chosen = search.find(16.0)
    jpeg = write_jpeg((224, 160), COMPONENTS, chosen, search.blocks.read())
    assert len(jpeg) == pytest.approx(chosen.file_bytes, rel=0.005)


@pytest.mark.parametrize("target_bytes", [3000, 9000, 20000])
def test_most_searches_take_two_passes(target_bytes: int) -> None:
    passes = []
    for seed in range(4):
        components = split_components(
            scene(160, 224, seed), None, subsample=True, tuning=PSNR.default
        )
        search = RateSearch(Blocks(components), PSNR.default, make_goal(target_bytes))
        search.find(16.0)
        passes.append(search.passes)
    assert np.mean(passes) <= 3
    assert max(passes) <= 5


def test_a_target_above_the_finest_ends_with_the_finest() -> None:
    search = RateSearch(Blocks(COMPONENTS), PSNR.default, make_goal(10**7))
    chosen = search.find(16.0)
    assert all((table == 1).all() for table in chosen.quant_tables)
    assert search.passes <= MAX_PASSES


def test_a_target_below_the_coarsest_ends_with_the_coarsest() -> None:
    search = RateSearch(Blocks(COMPONENTS), PSNR.default, make_goal(10))
    chosen = search.find(16.0)
    assert all((table == 255).all() for table in chosen.quant_tables)
    assert chosen.file_bytes > 10 * (1 + LIMIT)


@pytest.mark.parametrize("quality", [40, 60, 75])
def test_a_gradient_whose_bytes_are_nearly_all_dc_has_a_fine_table(quality: int) -> None:
    image = sky(304, 400)
    settings = EncodeSettings(quality=quality, subsampling="444", strength=0.0)
    found = encode(image, None, settings)
    assert 0.8 < len(found.jpeg) / found.reference_bytes <= 1.01
    with Image.open(io.BytesIO(found.jpeg)) as opened:
        assert np.abs(np.asarray(opened, np.float64) - image).mean() < 2


@pytest.mark.parametrize(("size", "target_bytes"), [(16, 500), (16, 700), (24, 1300), (40, 2450)])
def test_rates_are_frozen_when_lambda_alone_is_changed(
    size: int, target_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    points: list[tuple[float, float]] = []
    rates: list[object] = []

    class WatchedTrials(Trials):
        def run(self, point: Point) -> tuple[Pass, float]:
            points.append((point.table_scale, point.lambda_scale))
            rates.append(self.rates)
            return super().run(point)

    monkeypatch.setattr("codec.jpeg.rate_control.rate_search.Trials", WatchedTrials)
    components = split_components(scene(size, size), None, subsample=True, tuning=PSNR.default)
    RateSearch(Blocks(components), PSNR.default, make_goal(target_bytes)).find(16.0)
    first = next(i for i, (table, rd_lambda) in enumerate(points) if table != rd_lambda)
    assert first < len(rates)
    assert all(own is rates[first] for own in rates[first:])
    assert rates[first] is not rates[first - 1]
