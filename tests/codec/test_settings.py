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
        {"floor": 101},
        {"floor": 50.5},
        {"floor": "50"},
        {"max_bytes": 0},
        {"max_bytes": float("nan")},
        {"max_bytes": 1000.5},
        {"max_bytes": True},
        {"subsampling": "422"},
        {"progressive": 1},
    ],
)
def test_options_out_of_range_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        EncodeSettings(**option)
