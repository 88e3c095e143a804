import math
from collections.abc import Callable

import pytest

from codec.jpeg.rate_control.secant import Bracket


def solve(function: Callable[[float], float], start: float, bracket: Bracket) -> int:
    """Return the trials until the error is below 0.001, or until nothing is left to see."""
    position: float | None = start
    while position is not None and len(bracket.trials) < 40:
        error = function(position)
        bracket.add(position, error)
        if abs(error) < 0.001:
            break
        position = bracket.propose()
    return len(bracket.trials)


def test_a_line_is_solved_by_two_secants() -> None:
    bracket = Bracket(slope=-1.0, floor=-10, ceiling=10)
    assert solve(lambda x: -0.5 * (x - 3), 0.0, bracket) <= 4


@pytest.mark.parametrize("start", [-9.0, 0.0, 9.0])
def test_a_curve_is_solved_from_any_start(start: float) -> None:
    bracket = Bracket(slope=-0.7, floor=-10, ceiling=10)
    assert solve(lambda x: -math.atan(x - 1) - 0.01 * (x - 1), start, bracket) <= 16


def test_a_step_without_a_root_ends() -> None:
    bracket = Bracket(slope=-0.7, floor=-10, ceiling=10)
    assert solve(lambda x: 0.3 if x < 2.2 else -0.2, 0.0, bracket) < 25
    assert bracket.above is not None
    assert bracket.below is not None
    assert bracket.below[0] - bracket.above[0] < 1e-3


def test_a_root_beyond_the_limits_ends_at_the_limit() -> None:
    for level, limit in ((-0.5, -3.0), (0.5, 3.0)):
        bracket = Bracket(slope=-0.7, floor=-3, ceiling=3)
        assert solve(lambda _, level=level: level, 0.0, bracket) < 20  # type: ignore[misc]
        assert bracket.trials[-1][0] == limit
