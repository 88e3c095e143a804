"""Root finding for an expensive and noisy function that falls: secant steps within a bracket."""

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bracket:
    """The trials (position, error), and the next secant step between the positive and negative errors."""

    slope: float
    """Expected d error / d position, negative; used until two trials give a measured slope."""
    floor: float
    ceiling: float
    """Largest position to try; `floor` is the smallest."""
    trials: list[tuple[float, float]] = field(default_factory=list)
    above: tuple[float, float] | None = None
    """Trial with a positive error at the highest position."""
    below: tuple[float, float] | None = None
    """Trial with a negative or no error at the lowest position."""

    def add(self, position: float, error: float) -> None:
        """Add a trial."""
        self.trials.append((position, error))
        if error > 0 and (self.above is None or position > self.above[0]):
            self.above = (position, error)
        if error <= 0 and (self.below is None or position < self.below[0]):
            self.below = (position, error)

    def propose(self) -> float | None:
        """Return the next position to try, or None where the range or the bracket is exhausted."""
        proposal = self._follow_slope()
        if len(self.trials) > 3 and (self.above is None or self.below is None):
            # All recent errors have one sign: the slope misleads, so step at least twice as far as before.
            position, before = self.trials[-1][0], self.trials[-2][0]
            step = max(abs(proposal - position), 2.0 * abs(position - before))
            proposal = position + math.copysign(step, proposal - position)
        if self.above is None:
            proposal = max(proposal, self.floor)
            return proposal if proposal < self.trials[-1][0] else None
        if self.below is None:
            proposal = min(proposal, self.ceiling)
            return proposal if proposal > self.trials[-1][0] else None
        low, high = self.above[0], self.below[0]
        if high - low < 1e-3:
            return None
        margin = 0.02 * (high - low)
        if not low + margin < proposal < high - margin or len(self.trials) > 6:
            proposal = 0.5 * (low + high)
        return proposal

    def _follow_slope(self) -> float:
        """Return the root of the line through the last two trials, its slope held within limits."""
        position, error = self.trials[-1]
        slope = self.slope
        if len(self.trials) > 1:
            before, error_before = self.trials[-2]
            measured = (error - error_before) / (position - before)
            slope = min(max(measured, 3.0 * self.slope), self.slope / 4.0)
        return position - error / slope
