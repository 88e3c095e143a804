"""Finds the quantization at which a file meets its goal, by a few encodes.

A goal turns a file into one number, its error (`codec.jpeg.rate_control.target`): positive where the file
is finer than required. Levels change bytes by some 5 %; a file of rates shifts steps by less.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from codec.avif.quantizer import COARSEST, FINEST
from codec.jpeg.rate_control.target import Fit

MOST_PASSES: Final = 3
"""Encodes of a search: the first, and at most two corrections."""
MOST_SIZE_PASSES: Final = 5
"""Where steps are shifted to meet a number of bytes: four in five photos need no more than three."""
LEVEL_SLOPE: Final = 0.05
"""By how much the error falls from one level to the next, until two files tell it."""
SHIFT_SLOPE: Final = 0.16
"""By how much it falls when the logarithm of all steps grows by 1: little, for steps at libaom's limits do
not change."""
_LEVEL_SLOPES, _SHIFT_SLOPES = (0.02, 0.2), (0.05, 0.5)
LIMIT_STEP: Final = 4
"""Levels from one file that is too long to the next."""
LARGEST_SHIFT: Final = 0.5
"""More would undo what the map asks for."""


class Position(NamedTuple):
    """A quantization."""

    level: int
    """libaom's quantizer level."""
    shift: float = 0.0
    """Added to the logarithm to base 2 of all steps."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A file and how it meets the goal."""

    position: Position
    data: bytes
    fit: Fit

    @property
    def error(self) -> float:
        """By how much the file is finer than required."""
        return self.fit.error


class Search:
    """Encodes at one position after another."""

    def __init__(
        self,
        write: Callable[[Position], bytes],
        compare: Callable[[bytes], Fit],
        limit_bytes: float,
        *,
        tolerance: float,
        may_shift: bool,
    ) -> None:
        """Start without files.

        Args:
            write: returns the file at a position.
            compare: returns how a file compares with the goal.
            limit_bytes: kept exactly.
            tolerance: the error that is not corrected.
            may_shift: whether steps can be shifted.
        """
        self._write = write
        self._compare = compare
        self._limit_bytes = limit_bytes
        self._tolerance = tolerance
        self._may_shift = may_shift
        self._most_passes = MOST_SIZE_PASSES if may_shift else MOST_PASSES
        self.trials: list[Trial] = []

    def find(self, first: float) -> bytes:
        """Return the file that meets the goal best.

        The search begins at the level `first`. If even the coarsest file is too long, that one is returned.
        """
        position: Position | None = Position(clamp_level(first))
        while position is not None:
            data = self._write(position)
            self.trials.append(Trial(position, data, self._compare(data)))
            position = self._choose_next()
        fitting = self._list_fitting()
        if not fitting:
            return min(self.trials, key=lambda trial: len(trial.data)).data
        enough = [trial for trial in fitting if trial.error >= -self._tolerance]
        if enough:
            return min(enough, key=lambda trial: trial.error).data
        return max(fitting, key=lambda trial: trial.error).data

    def _list_fitting(self) -> list[Trial]:
        return [trial for trial in self.trials if len(trial.data) <= self._limit_bytes]

    def _choose_next(self) -> Position | None:
        """Return the next position, None at the end."""
        fitting, last = self._list_fitting(), self.trials[-1]
        if any(abs(trial.error) <= self._tolerance for trial in fitting):
            return None
        chosen = self._correct()
        is_new = all(trial.position != chosen for trial in self.trials)
        if is_new and len(self.trials) < self._most_passes:
            return chosen
        if fitting or last.position.level == COARSEST:
            return None
        # Now only the limit counts.
        coarsest = max(trial.position.level for trial in self.trials)
        return Position(clamp_level(coarsest + LIMIT_STEP))

    def _correct(self) -> Position:
        """Return the position at which the error is expected to be 0."""
        best = min(self.trials, key=lambda trial: abs(trial.error))
        others = sorted(
            (trial for trial in self.trials if trial is not best),
            key=lambda trial: abs(trial.error),
        )
        across = [trial for trial in others if trial.position.level != best.position.level]
        within = [trial for trial in others if trial.position.level == best.position.level]
        slope = LEVEL_SLOPE
        if across:
            distance = across[0].position.level - best.position.level
            slope = bound((best.error - across[0].error) / distance, _LEVEL_SLOPES)
        levels = best.error / slope
        if not self._may_shift:
            return Position(clamp_level(best.position.level + levels))
        # Bytes change unevenly from level to level, so the last corrections stay at one.
        is_enclosed = any(
            trial.error * best.error < 0 and abs(trial.position.level - best.position.level) == 1
            for trial in across
        )
        is_near = across and abs(best.error) <= SHIFT_SLOPE * LARGEST_SHIFT / 2
        stays = within or is_enclosed or is_near
        level = clamp_level(best.position.level + (0 if stays else levels))
        shift_slope = SHIFT_SLOPE
        if within:
            apart = within[0].position.shift - best.position.shift
            shift_slope = bound((best.error - within[0].error) / apart, _SHIFT_SLOPES)
        rest = best.error - (level - best.position.level) * slope
        shift = best.position.shift + rest / shift_slope
        return Position(level, min(max(shift, -LARGEST_SHIFT), LARGEST_SHIFT))


def clamp_level(level: float) -> int:
    """Return the nearest level that there is."""
    return min(max(round(level), FINEST), COARSEST)


def bound(slope: float, bounds: tuple[float, float]) -> float:
    """Return a slope that is not unlikely."""
    return min(max(slope, bounds[0]), bounds[1])
