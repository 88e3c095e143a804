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


Trial = tuple[float, float]


@pytest.mark.parametrize(
    ("trials", "proposal"),
    [
        # The expected slope, then the measured one within a quarter of it and three times it.
        ([(1.0, 4.0)], 5.0),
        ([(1.0, -4.0)], -3.0),
        ([(0.0, 3.0), (1.0, 2.5)], 6.0),
        ([(0.0, 1.0), (1.0, 0.999)], 1 + 4 * 0.999),
        ([(0.0, 10.0), (1.0, 1.0)], 1 + 1 / 3),
        # From the fourth trial of one sign, at least twice the step before.
        ([(0.0, 9.0), (1.0, 8.0), (11.0, 0.5)], 12 - 1 / 3),
        ([(0.0, 9.0), (0.5, 8.0), (1.0, 7.0), (11.0, 0.5)], 31.0),
        ([(0.0, -9.0), (-0.5, -8.0), (-1.0, -7.0), (-11.0, -0.5)], -31.0),
        ([(0.0, 9.0), (1.0, 8.0), (2.0, 7.0), (3.0, 6.0)], 9.0),
        # Not beyond the limits, and no position twice.
        ([(39.0, 4.0)], 40.0),
        ([(40.0, 4.0)], None),
        ([(-39.0, -4.0)], -40.0),
        ([(-40.0, -4.0)], None),
        # Between two signs a secant, unless it ends within a fiftieth of either end.
        ([(0.0, 1.0), (10.0, -1.0)], 6.0),
        ([(0.0, 1.0), (10.0, -0.075)], 9.7),
        ([(0.0, 1.0), (10.0, -0.04)], 5.0),
        ([(10.0, -1.0), (0.0, 0.075)], 0.3),
        ([(10.0, -1.0), (0.0, 0.04)], 5.0),
        ([(0.0, 1.0), (10.0, 0.0)], 5.0),
        # Halves from the seventh trial.
        ([(-4.0, 1.0)] + [(-k, 1.0) for k in (3.0, 2.0, 1.0)] + [(0.0, 1.0), (10.0, -1.0)], 6.0),
        (
            [(-5.0, 1.0)] + [(-k, 1.0) for k in (4.0, 3.0, 2.0, 1.0)] + [(0.0, 1.0), (10.0, -1.0)],
            5.0,
        ),
        # No pair closer than a thousandth is divided.
        ([(0.0, 1.0), (0.0011, -1.0)], 0.00055),
        ([(0.0, 1.0), (0.0009, -1.0)], None),
    ],
)
def test_the_next_position(trials: list[Trial], proposal: float | None) -> None:
    bracket = Bracket(slope=-1.0, floor=-40.0, ceiling=40.0)
    for position, error in trials:
        bracket.add(position, error)
    assert bracket.propose() == (None if proposal is None else pytest.approx(proposal))


def test_a_bracket_keeps_the_innermost_trials() -> None:
    bracket = Bracket(slope=-1.0, floor=-40.0, ceiling=40.0)
    for trial in ((3.0, 2.0), (1.0, 1.0), (9.0, -1.0), (7.0, 0.0), (8.0, -2.0)):
        bracket.add(*trial)
    assert (bracket.above, bracket.below) == ((3.0, 2.0), (7.0, 0.0))
    assert len(bracket.trials) == 5
