"""Root finding for a falling function that is dear to evaluate and known only roughly."""

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bracket:
    """Secant steps on trials (position, error), kept between the two sides already seen."""

    slope: float
    """Expected change of the error per position, negative; used until two trials say better."""
    floor: float
    ceiling: float
    trials: list[tuple[float, float]] = field(default_factory=list)
    above: tuple[float, float] | None = None
    """The highest position whose error is positive."""
    below: tuple[float, float] | None = None
    """The lowest position whose error is not."""

    def add(self, position: float, error: float) -> None:
        """Note a trial."""
        self.trials.append((position, error))
        if error > 0 and (self.above is None or position > self.above[0]):
            self.above = (position, error)
        if error <= 0 and (self.below is None or position < self.below[0]):
            self.below = (position, error)

    def propose(self) -> float | None:
        """Return where to look next, None where nothing new is left to see."""
        proposal = self._follow_slope()
        if len(self.trials) > 3 and (self.above is None or self.below is None):
            # Still on one side: the slope misleads, so take at least twice the last step.
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
        position, error = self.trials[-1]
        slope = self.slope
        if len(self.trials) > 1:
            before, error_before = self.trials[-2]
            measured = (error - error_before) / (position - before)
            slope = min(max(measured, 3.0 * self.slope), self.slope / 4.0)
        return position - error / slope
