from dataclasses import fields, replace

import pytest

from bench.fit.constants import AXES, build_tuning, list_constants, move
from codec.jpeg.quantize.tuning import DEFAULT, FULL, Sensitivity


def test_all_constants_but_the_one_that_sets_the_scale_are_fitted() -> None:
    assert set(list_constants(DEFAULT)) - set(AXES) == {"luma.weight"}


def test_a_tuning_is_rebuilt_from_its_constants() -> None:
    for tuning in (DEFAULT, FULL):
        assert build_tuning(list_constants(tuning)) == tuning


def test_a_move_and_its_reverse_cancel_within_the_bounds() -> None:
    constants = list_constants(replace(DEFAULT, darkness=1.0))
    constants |= {name: 0.4 for name in constants if name.endswith((".low", ".dc", "masking"))}
    for name in AXES:
        there = move(constants, {name: 0.5})
        assert there != constants
        assert move(there, {name: -0.5})[name] == pytest.approx(constants[name])


def test_the_rise_keeps_its_least_width() -> None:
    moved = move(list_constants(DEFAULT), {"rise_from": 3.0, "rise_to": -3.0})
    assert moved["rise_to"] >= moved["rise_from"] + 0.05


def test_axes_are_named_like_the_fields_of_a_sensitivity() -> None:
    assert {name.split(".")[1] for name in AXES if "." in name} <= {
        field.name for field in fields(Sensitivity)
    }
