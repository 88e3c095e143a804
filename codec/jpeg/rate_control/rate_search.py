"""Rate search: the table scale and λ at which a file reaches its goal.

Bytes fall as the table scale grows, and λ with it. Sampled passes find the scale to within a percent
or two. Steps of tables are whole numbers, so λ alone is changed to meet the goal more closely.
"""

import math
from typing import Final

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.rate_control.passes import Pass, Point
from codec.jpeg.rate_control.secant import Bracket
from codec.jpeg.rate_control.step_range import COARSEST, FINEST, SLOPE, follow_slope
from codec.jpeg.rate_control.target import Goal
from codec.jpeg.rate_control.trials import MAX_PASSES, TOLERANCE, Trials
from codec.jpeg.write.coded_scan import Scan

_MOST_SAMPLED_PASSES: Final = 10
# Relative error of a sampled pass below which the slope gives the step of the first full pass.
_SAMPLED_TOLERANCE: Final = 0.03
# d log(bytes) / d log(step) of λ alone, typical of photos.
_LAMBDA_SLOPE: Final = -0.35
# The same where other tables do not meet the goal: on tiny and on artificial images. With -0.35 and with
# -0.03, generated pictures of 16 to 80 pixels took 10 % and 28 % more passes.
_SMALL_LAMBDA_SLOPE: Final = -0.1
# Every fifth block is adjusted: the pattern of `quantize_ac` then forms no columns of blocks. Passes that
# are off by more are repeated with another table. With λ alone, the ratio of λ to the steps would leave
# the fitted one: at 1 % of the bytes that changes PSNR by 0.05 dB.
_ADJUSTED_STRIDE: Final = 5
# Largest change of log λ of the adjusted blocks.
_ADJUSTED_REACH: Final = 0.15
_MOST_ADJUSTMENTS: Final = 2
_MOST_TABLES: Final = 3
# Largest distance of log λ_scale below log table_scale: beyond it, a finer table is the better choice.
_LAMBDA_REACH: Final = 0.25
# First log step by which the table gets finer when λ can't add enough bytes; it doubles each time.
_TABLE_STEP: Final = 0.08
# Rates come from the previous pass. They are frozen when the error is below _FREEZE_ERROR, or after
# _FREEZE_TRIALS trials. Then the bytes depend on λ alone, and a bracket holds.
_FREEZE_ERROR: Final = 0.05
_FREEZE_TRIALS: Final = 3


class RateSearch:
    """The search of one encode; `blocks` hold the qcoefs of the latest pass."""

    def __init__(
        self, blocks: Blocks, tuning: Tuning, goal: Goal, progressive: bool = False
    ) -> None:
        self.blocks = blocks
        self._trials = Trials(blocks, tuning, goal, progressive)

    @property
    def passes(self) -> int:
        """Full and adjusted passes; sampled passes are not counted."""
        return self._trials.passes

    def choose_script(self) -> list[Scan]:
        """Return the scans of a progressive file of the latest pass."""
        return self._trials.choose_script()

    def find(self, first_step: float) -> Pass:
        """Return the pass that meets the goal, or the nearest possible; start at a table scale."""
        trials = self._trials
        last = self._meet_goal(self._find_step(math.log(first_step)))
        log_step, coarser = math.log(last.point.table_scale), _TABLE_STEP
        while trials.best is None and log_step < COARSEST:
            # λ does not shorten DC. Where most of the file is DC, only a coarser table helps.
            log_step = min(log_step + coarser, COARSEST)
            coarser *= 2.0
            last, _ = trials.run(Point(math.exp(log_step), math.exp(log_step)))
        return self.find_coarsest() if trials.best is None else trials.repeat_best(last)

    def find_coarsest(self) -> Pass:
        """Return the pass that makes the smallest file."""
        return self._trials.run(Point(math.exp(COARSEST), math.exp(COARSEST)))[0]

    def _find_step(self, start: float) -> float:
        """Return the log step that sampled passes find."""
        run_sampled = self._trials.run_sampled
        position = min(max(start, FINEST), COARSEST)
        # The first sampled pass only replaces the prior rates by those of this image.
        error = run_sampled(position, is_rough=True)
        bracket = Bracket(SLOPE, FINEST, COARSEST)
        while len(bracket.trials) < _MOST_SAMPLED_PASSES:
            proposal = bracket.propose() if bracket.trials else follow_slope(position, error)
            if proposal is None:
                position, error = min(bracket.trials, key=lambda trial: abs(trial[1]))
                break
            position = proposal
            error = run_sampled(position)
            if abs(error) < _SAMPLED_TOLERANCE:
                break
            bracket.add(position, error)
        return follow_slope(position, error)

    def _meet_goal(self, log_step: float) -> Pass:
        """Run full passes: first with other tables, then with the finer table and other λ."""
        tables = Bracket(SLOPE, FINEST, COARSEST)
        while True:
            last, error = self._trials.run(Point(math.exp(log_step), math.exp(log_step)))
            met = self._finish(last, error)
            if met is not None:
                return met
            tables.add(log_step, error)
            proposal = tables.propose()
            if proposal is None or len(tables.trials) == _MOST_TABLES:
                break
            log_step = proposal
        # The coarsest of the tables that are too fine: λ has to grow only.
        log_step, error = tables.above or tables.trials[-1]
        return self._meet_by_lambda(log_step, error, last)

    def _meet_by_lambda(self, log_step: float, error: float, last: Pass) -> Pass:
        """Run full passes with one table and other λ; take a finer table where λ cannot add enough."""
        trials = self._trials
        position, table_step = log_step, _TABLE_STEP
        bracket = Bracket(_SMALL_LAMBDA_SLOPE, log_step - _LAMBDA_REACH, COARSEST)
        while True:
            bracket.add(position, error)
            proposal = bracket.propose()
            if proposal is not None:
                position = proposal
                if not trials.are_rates_frozen and (
                    abs(error) < _FREEZE_ERROR or len(bracket.trials) == _FREEZE_TRIALS
                ):
                    trials.are_rates_frozen = True
                    bracket = Bracket(_SMALL_LAMBDA_SLOPE, bracket.floor, bracket.ceiling)
            elif bracket.above is None and log_step > FINEST:
                log_step = position = max(log_step - table_step, FINEST)
                table_step *= 2.0  # an image of few blocks may need a much finer table
                bracket = Bracket(_SMALL_LAMBDA_SLOPE, log_step - _LAMBDA_REACH, COARSEST)
            else:
                return last
            last, error = trials.run(Point(math.exp(log_step), math.exp(position)))
            met = self._finish(last, error)
            if met is not None:
                return met

    def _finish(self, latest: Pass, error: float) -> Pass | None:
        """Return a pass that meets the goal, `latest` or one adjusted from it; None if neither does."""
        if abs(error) < TOLERANCE or self.passes >= MAX_PASSES:
            return latest
        if abs(error) * _ADJUSTED_STRIDE >= -_LAMBDA_SLOPE * _ADJUSTED_REACH:
            return None
        floor = math.log(latest.point.table_scale) - _LAMBDA_REACH
        bracket = Bracket(_LAMBDA_SLOPE / _ADJUSTED_STRIDE, floor, COARSEST)
        bracket.add(math.log(latest.point.lambda_scale), error)
        for _ in range(_MOST_ADJUSTMENTS):
            position = bracket.propose()
            if position is None:
                return None
            latest, error = self._trials.adjust(latest, math.exp(position), _ADJUSTED_STRIDE)
            if abs(error) < TOLERANCE:
                return latest
            bracket.add(position, error)
        return None
