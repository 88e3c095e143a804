import math
from dataclasses import fields

import pytest

from bench.fit.constants import AXES, LEAST_RISE, build_tuning, list_constants, move
from codec.jpeg.quantize.tuning import FAMILIES, PSNR, Sensitivity


def test_all_constants_but_the_one_that_sets_the_scale_are_fitted() -> None:
    assert set(list_constants(PSNR.default)) - set(AXES) == {"luma.weight"}


def test_a_tuning_is_rebuilt_from_its_constants() -> None:
    for family in FAMILIES.values():
        for tuning in (family.default, family.full):
            assert build_tuning(list_constants(tuning)) == tuning


def test_a_move_and_its_reverse_cancel_within_the_bounds() -> None:
    constants = list_constants(PSNR.default)
    constants |= {name: 0.4 for name in constants if name.endswith((".low", ".dc", "masking"))}
    constants["rise_to"] = 0.9
    for name in AXES:
        there = move(constants, {name: 0.5})
        assert there != constants
        assert move(there, {name: -0.5})[name] == pytest.approx(constants[name])


@pytest.mark.parametrize("name", AXES)
def test_steps_to_a_bound_reach_it(name: str) -> None:
    axis, value = AXES[name], list_constants(PSNR.default)[name]
    for bound in (axis.least, axis.most):
        steps = axis.count_steps(value, bound)
        if math.isfinite(steps):
            unbounded = type(axis)(axis.unit, axis.shift, -math.inf)
            assert unbounded.move(value, steps) == pytest.approx(bound)


def test_the_rise_keeps_its_least_width() -> None:
    moved = move(list_constants(PSNR.default), {"rise_from": 3.0, "rise_to": -3.0})
    assert moved["rise_to"] >= moved["rise_from"] + LEAST_RISE


def test_axes_are_named_like_the_fields_of_a_sensitivity() -> None:
    assert {name.split(".")[1] for name in AXES if "." in name} <= {
        field.name for field in fields(Sensitivity)
    }
