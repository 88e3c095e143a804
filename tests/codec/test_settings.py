from typing import Any

import pytest

from codec.settings import EncodeSettings


@pytest.mark.parametrize(
    "option",
    [
        {"quality": 0},
        {"quality": 101},
        {"quality": 50.0},
        {"quality": True},
        {"strength": -0.1},
        {"strength": 1.1},
        {"strength": float("nan")},
        {"strength": "1"},
        {"strength": True},
        {"floor": 0},
        {"floor": 101},
        {"floor": 50.5},
        {"floor": "50"},
        {"max_bytes": 0},
        {"max_bytes": float("nan")},
        {"max_bytes": 1000.5},
        {"max_bytes": True},
        {"subsampling": "422"},
        {"tune": "ssim"},
        {"tune": None},
        {"target": "bytes"},
        {"progressive": 1},
    ],
)
def test_options_out_of_range_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        EncodeSettings(**option)


@pytest.mark.parametrize(("quality", "floor"), [(75, 40), (50, 15), (40, 10), (8, 8)])
def test_the_default_floor_is_35_below_the_quality_but_at_least_10(
    quality: int, floor: int
) -> None:
    assert EncodeSettings(quality=quality).least_quality == floor


def test_a_floor_above_the_quality_is_the_quality() -> None:
    assert EncodeSettings(quality=50, floor=100).least_quality == 50
    assert EncodeSettings(quality=50, floor=20).least_quality == 20
