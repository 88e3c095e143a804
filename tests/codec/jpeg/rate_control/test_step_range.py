import math

import pytest

from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.steps import make_tables
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.rate_control.passes import Point, run_pass
from codec.jpeg.rate_control.step_range import (
    COARSEST,
    FINEST,
    SLOPE,
    follow_slope,
    guess_step,
    is_coarsest,
    is_finest,
)
from codec.jpeg.rate_control.trials import make_prior_rates
from tests.codec.pictures import scene

IMAGE = scene(80, 96)


def test_the_first_step_grows_with_the_references_bytes_and_falls_with_quality() -> None:
    assert guess_step(50, 20000, 10**5) < guess_step(50, 40000, 10**5)
    assert guess_step(75, 20000, 10**5) < guess_step(50, 20000, 10**5)
    assert guess_step(50, 300, 10**6) > 0


def test_tables_at_the_ends_of_the_range_are_the_finest_and_the_coarsest() -> None:
    assert all((table == 1).all() for table in make_tables(PSNR.default, math.exp(FINEST), 3))
    assert all((table == 255).all() for table in make_tables(PSNR.default, math.exp(COARSEST), 3))


def test_the_coarsest_pass_has_no_ac_coefficient() -> None:
    blocks = Blocks(split_components(IMAGE, None, subsample=True, tuning=PSNR.default))
    coarsest = math.exp(COARSEST)
    run_pass(blocks, PSNR.default, Point(coarsest, coarsest), [make_prior_rates()] * 2)
    assert not any(plane[..., 1:].any() for plane in blocks.read())


def test_a_point_is_at_an_end_by_its_table_and_at_the_coarse_one_by_lambda_too() -> None:
    fine, middle, coarse = math.exp(FINEST), 16.0, math.exp(COARSEST)
    assert is_finest(Point(fine, middle))
    assert not is_finest(Point(middle, fine))
    assert is_coarsest(Point(coarse, coarse))
    assert not is_coarsest(Point(middle, coarse))
    assert not is_coarsest(Point(coarse, middle))


@pytest.mark.parametrize(
    ("log_step", "error", "expected"),
    [(2.0, 0.0, 2.0), (2.0, 0.15, 2.0 - 0.15 / SLOPE), (8.0, 9.0, COARSEST), (0.0, -9.0, FINEST)],
)
def test_the_slope_leads_to_no_error_within_the_range(
    log_step: float, error: float, expected: float
) -> None:
    assert follow_slope(log_step, error) == pytest.approx(expected)
