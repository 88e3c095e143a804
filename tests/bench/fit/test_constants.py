from dataclasses import fields, replace

import pytest

from bench.fit.constants import AXES, build_tuning, list_constants, move
from codec.jpeg.quantize.tuning import DEFAULT, FULL, Sensitivity


def test_every_constant_is_fitted_but_the_one_that_sets_the_scale() -> None:
    assert set(list_constants(DEFAULT)) - set(AXES) == {"luma.weight"}


def test_constants_make_the_tuning_that_they_came_from() -> None:
    for tuning in (DEFAULT, FULL):
        assert build_tuning(list_constants(tuning)) == tuning


def test_a_move_there_and_back_changes_nothing_within_the_bounds() -> None:
    constants = list_constants(replace(DEFAULT, darkness=1.0))
    constants |= {name: 0.4 for name in constants if name.endswith((".low", ".dc", "masking"))}
    for name in AXES:
        there = move(constants, {name: 0.5})
        assert there != constants
        assert move(there, {name: -0.5})[name] == pytest.approx(constants[name])


def test_a_rise_keeps_its_width() -> None:
    moved = move(list_constants(DEFAULT), {"rise_from": 3.0, "rise_to": -3.0})
    assert moved["rise_to"] >= moved["rise_from"] + 0.05


def test_sensitivities_are_what_axes_are_named_after() -> None:
    assert {name.split(".")[1] for name in AXES if "." in name} <= {
        field.name for field in fields(Sensitivity)
    }
