from dataclasses import replace

import numpy as np
import pytest

from codec.jpeg.quantize.steps import choose_tables, make_tables, scale_steps
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.syntax.component import LUMA, Component

NONE = np.zeros((0, 0), np.float32)


def test_without_steepness_every_step_is_the_scale() -> None:
    flat = replace(PSNR.default, steepness=0.0)
    for table in make_tables(flat, 12.3, 3):
        assert (table == 12).all()


def test_steps_are_finer_where_errors_weigh_more() -> None:
    steep = replace(PSNR.default, steepness=1.0)
    table = make_tables(steep, 16.0, 1)[0]
    steps = scale_steps(steep, [table], 16.0)
    worth = steps.distortion_scales[0]
    # A rounding error then costs the same in each coefficient, but for the rounding of the steps.
    assert worth.max() / worth.min() < 1.3
    assert table[63] > table[1]


def test_steps_near_those_of_the_source_are_the_sources() -> None:
    source = np.full(64, 16, np.uint16)
    component = Component(LUMA, 1, 1, 0, 0, NONE, NONE, NONE, NONE, source)
    flat = replace(PSNR.default, steepness=0.0)
    assert np.array_equal(choose_tables(flat, 10.0, [component])[0], source)
    assert (choose_tables(flat, 100.0, [component])[0] == 100).all()


@pytest.mark.parametrize("lambda_scale", [8.0, 16.0])
def test_the_worth_of_an_error_falls_with_the_square_of_the_lambda_scale(
    lambda_scale: float,
) -> None:
    table = np.full(64, 5, np.uint16)
    steps = scale_steps(PSNR.default, [table], lambda_scale)
    twice = scale_steps(PSNR.default, [table], 2.0 * lambda_scale)
    assert np.allclose(steps.inverse[0], 0.2)
    assert np.allclose(steps.distortion_scales[0], 4.0 * twice.distortion_scales[0])
