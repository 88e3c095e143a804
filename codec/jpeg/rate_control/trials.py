"""The trials of a rate search: passes at chosen points, and how far each is from the goal.

The bytes of a progressive file are estimated as those of a baseline file times the share that the
progressive scans of a full pass take.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.rate_control.passes import (
    Pass,
    Point,
    adjust_pass,
    count_frame_bytes,
    estimate_rates,
    run_pass,
)
from codec.jpeg.rate_control.sampled_pass import run_sampled_pass
from codec.jpeg.rate_control.target import Fit, Goal
from codec.jpeg.syntax.symbols import END_OF_BLOCK, ZERO_RUN
from codec.jpeg.write.coded_scan import Scan
from codec.jpeg.write.scan_script import choose_script, measure_share, predict_share

TOLERANCE: Final = 0.006
"""Relative distance from the goal at which the search ends."""
LIMIT: Final = 0.009
"""Largest relative excess of bytes over the goal that is accepted."""
MAX_PASSES: Final = 30
"""Full and adjusted passes after which a search returns what it has."""

_FEW_ROWS: Final = 32  # of luma blocks
_FAR_BELOW: Final = 0.04
"""Relative distance below the goal's bytes from which a prediction of the progressive share is enough."""


@dataclass(slots=True)
class Trials:
    """The passes of one search; `blocks` hold the qcoefs of the latest one.

    Errors are those of `Fit`: positive where a pass is finer than the goal requires.
    """

    blocks: Blocks
    tuning: Tuning
    goal: Goal
    progressive: bool
    rates: list[NDArray[np.float32]] = field(init=False)
    """Bits (256,) of each AC symbol for the next pass, by component kind."""
    are_rates_frozen: bool = False
    """Whether passes leave `rates` as they are, so that bytes depend on λ alone."""
    passes: int = 0
    """Full and adjusted passes; sampled passes are not counted."""
    best: tuple[Fit, Pass, list[NDArray[np.float32]]] | None = None
    """The best pass by `is_better`, with the rates that it used; None if all have too many bytes."""
    script: list[Scan] = field(default_factory=list)
    """The scans of a progressive file, if they were chosen already."""
    progressive_share: float = 1.0
    """Bytes of the progressive scans over those of a baseline scan, predicted or of the latest pass."""

    def __post_init__(self) -> None:
        self.rates = [make_prior_rates(), make_prior_rates()]

    def run_sampled(self, log_step: float, *, is_rough: bool = False) -> float:
        """Return the error of a sampled pass; use its rates from now on."""
        point = Point(math.exp(log_step), math.exp(log_step))
        sampled = run_sampled_pass(self.blocks, self.tuning, point, self.rates, is_rough=is_rough)
        self.rates = [estimate_rates(counts) for counts in sampled.ac_counts]
        if self.progressive:
            frame_bytes = count_frame_bytes(self.blocks.components)
            self.progressive_share = predict_share(sampled.file_bytes - frame_bytes)
        return self.goal.compare(self._scale_bytes(sampled.file_bytes), sampled.errors).error

    def run(self, point: Point) -> tuple[Pass, float]:
        """Return a full pass at `point` and its error."""
        rates = self.rates
        result = run_pass(self.blocks, self.tuning, point, rates)
        if not self.are_rates_frozen:
            self.rates = [estimate_rates(counts) for counts in result.ac_counts]
        self.passes += 1
        fit = self._compare(result)
        self._keep_better(fit, result, rates)
        return result, fit.error

    def adjust(self, latest: Pass, lambda_scale: float, stride: int) -> tuple[Pass, float]:
        """Return the `latest` pass with every stride-th block at another λ, and its error."""
        adjusted = adjust_pass(
            *(self.blocks, self.tuning, latest, self.rates),
            lambda_scale=lambda_scale,
            stride=stride,
        )
        self.passes += 1
        # In a tiny file a few bytes are one percent, and counting its scans is cheap.
        is_tiny = self.blocks.components[0].coefs.shape[0] < _FEW_ROWS
        fit = self._compare(adjusted, measure_scans=is_tiny)
        if abs(fit.error) < TOLERANCE:  # others are adjusted again: `repeat_best` can't repeat them
            self._keep_better(fit, adjusted, self.rates)
        return adjusted, fit.error

    def repeat_best(self, latest: Pass) -> Pass:
        """Return the best pass, with its qcoefs in the blocks; there must be one."""
        assert self.best is not None
        _, best, rates = self.best
        if best is latest:
            return latest
        self.rates = rates
        return self.run(best.point)[0]

    def choose_script(self) -> list[Scan]:
        """Return the scans of a progressive file: those chosen on the latest pass near the goal's bytes."""
        return self.script or choose_script(self.blocks.components, self.blocks.read())

    def _compare(self, latest: Pass, *, measure_scans: bool = True) -> Fit:
        """Return how the blocks' qcoefs, which are those of the pass `latest`, compare with the goal.

        The share of progressive scans is measured only where the goal's bytes may end the search.
        """
        errors = self.goal.measure(self.blocks, latest.quant_tables)
        fit = self.goal.compare(self._scale_bytes(latest.file_bytes), errors)
        if not self.progressive or not measure_scans or fit.excess < -_FAR_BELOW:
            return fit
        components, qcoefs = self.blocks.components, self.blocks.read()
        self.script = choose_script(components, qcoefs)
        self.progressive_share = measure_share(self.script, components, qcoefs)
        return self.goal.compare(self._scale_bytes(latest.file_bytes), errors)

    def _keep_better(self, fit: Fit, latest: Pass, rates: list[NDArray[np.float32]]) -> None:
        """Make a pass the best one, unless it has too many bytes or the present one is as good."""
        if fit.excess < LIMIT and (self.best is None or is_better(fit, self.best[0])):
            self.best = (fit, latest, rates)

    def _scale_bytes(self, baseline_bytes: float) -> float:
        """Return the bytes of the file, from those of a baseline file."""
        frame = count_frame_bytes(self.blocks.components)
        return frame + (baseline_bytes - frame) * self.progressive_share


def is_better(fit: Fit, other: Fit) -> bool:
    """Return whether a pass is better than another one: fine enough, then shorter.

    Of two that are not fine enough, or if the goal does not limit errors, the better one is nearer to
    the goal.
    """
    is_fine, is_other_fine = (own.spare > -TOLERANCE for own in (fit, other))
    if is_fine != is_other_fine:
        return is_fine
    return fit.excess < other.excess if is_fine else abs(fit.error) < abs(other.error)


def make_prior_rates() -> NDArray[np.float32]:
    """Return plausible bits (256,) of each AC symbol, for the first sampled pass."""
    run, size = np.divmod(np.arange(256), 16)
    rates = 1.0 + 0.7 * run + 1.5 * size
    rates[END_OF_BLOCK] = 3.0
    rates[ZERO_RUN] = 9.0
    return np.minimum(rates, 16.0).astype(np.float32)
