"""Finds the position at which a file meets its goal, by a few encodes.

A goal turns a file into one number, its error (`codec.jpeg.rate_control.target`): positive where the file
is finer than required, and falling as the position grows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from codec.avif.quantizer import COARSEST, FINEST
from codec.jpeg.rate_control.target import Fit

MOST_PASSES: Final = 3
"""Encodes of a search: the first, and at most two corrections."""
SLOPE: Final = -0.06
"""Change of the error by one level, until two files tell it."""
_STEEPEST, _FLATTEST = -0.3, -0.01
TOLERANCE: Final = 0.006
"""Error, in logarithms of bytes, that is not corrected."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A file and how it meets the goal."""

    position: float
    data: bytes
    fit: Fit

    @property
    def error(self) -> float:
        """By how much the file is finer than required."""
        return self.fit.error


def search(
    write: Callable[[float], bytes],
    compare: Callable[[bytes], Fit],
    limit_bytes: float,
    first: float,
) -> tuple[bytes, int]:
    """Return the file that meets the goal best, and the number of encodes.

    If even the coarsest has more than `limit_bytes`, that one is returned.

    Args:
        write: returns the file at a position in 1..63.
        compare: returns how a file compares with the goal.
        limit_bytes: kept exactly.
        first: the position to begin with.
    """
    trials: list[Trial] = []
    position = first
    while True:
        position = min(max(position, FINEST), COARSEST)
        data = write(position)
        trials.append(Trial(position, data, compare(data)))
        fitting = [trial for trial in trials if len(trial.data) <= limit_bytes]
        if len(trials) >= MOST_PASSES and fitting:
            break
        if any(abs(trial.error) <= TOLERANCE for trial in fitting):
            break
        last = trials[-1]
        if not fitting and last.position >= COARSEST:
            return last.data, len(trials)
        if fitting and is_at_end(last):
            break
        position = choose_next(trials)
        if len(trials) >= MOST_PASSES:
            # The limit is all that matters now.
            position = max(position, last.position + 1.0 + len(trials) - MOST_PASSES)
    return choose_best(fitting).data, len(trials)


def is_at_end(trial: Trial) -> bool:
    """Return whether no better position is left."""
    is_coarsest = trial.position >= COARSEST and trial.error > 0
    return is_coarsest or (trial.position <= FINEST and trial.error < 0)


def choose_next(trials: list[Trial]) -> float:
    """Return the position where the error is expected to be 0."""
    last = min(trials, key=lambda trial: abs(trial.error))
    others = [trial for trial in trials if trial is not last]
    slope = SLOPE
    if others:
        other = min(others, key=lambda trial: abs(trial.error))
        distance = other.position - last.position
        if distance:
            slope = (other.error - last.error) / distance
            slope = min(max(slope, _STEEPEST), _FLATTEST)
    return last.position - last.error / slope


def choose_best(trials: list[Trial]) -> Trial:
    """Return the shortest file that is fine enough, or else the finest."""
    enough = [trial for trial in trials if trial.error >= -TOLERANCE]
    if enough:
        return min(enough, key=lambda trial: trial.error)
    return max(trials, key=lambda trial: trial.error)
