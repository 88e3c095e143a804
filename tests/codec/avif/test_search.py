"""The search on made-up encoders."""

import math

import pytest

from codec.avif.search import MOST_PASSES, MOST_SIZE_PASSES, Position, Search
from codec.jpeg.rate_control.target import Fit


def search(
    target: float,
    *,
    first: float = 30,
    limit: float = math.inf,
    may_shift: bool = True,
    slope: float = 0.05,
) -> tuple[bytes, Search]:
    def write(position: Position) -> bytes:
        return bytes(round(50_000 * math.exp(-slope * position.level - 0.16 * position.shift)))

    found = Search(
        write,
        lambda data: Fit(math.log(len(data) / target), -math.inf),
        limit,
        tolerance=0.007,
        may_shift=may_shift,
    )
    return found.find(first), found


@pytest.mark.parametrize("target", [4_000, 7_000, 11_200, 20_000, 30_000])
@pytest.mark.parametrize("slope", [0.04, 0.05, 0.08])
def test_a_number_of_bytes_is_met(target: int, slope: float) -> None:
    data, found = search(target, slope=slope)
    if 50_000 * math.exp(-63 * slope) < target:
        assert len(data) == pytest.approx(target, rel=0.011)
    assert len(found.trials) <= MOST_SIZE_PASSES


def test_without_shifts_the_nearest_level_is_found() -> None:
    data, found = search(11_200, may_shift=False)
    assert len(data) == pytest.approx(11_200, rel=0.03)
    assert len(found.trials) <= MOST_PASSES
    assert all(trial.position.shift == 0 for trial in found.trials)


@pytest.mark.parametrize("limit", [2_200, 5_000, 11_000])
def test_the_limit_is_kept_whatever_the_start(limit: int) -> None:
    data, _ = search(40_000, first=1, limit=limit)
    assert len(data) <= limit


def test_the_shortest_file_is_returned_if_none_fits() -> None:
    data, found = search(1_000, limit=500)
    assert len(data) == min(len(trial.data) for trial in found.trials)
    assert found.trials[-1].position.level == 63


def test_no_position_is_tried_twice() -> None:
    _, found = search(60_000, first=1)
    assert len({trial.position for trial in found.trials}) == len(found.trials)
