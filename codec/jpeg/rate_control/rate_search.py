"""Rate search: the table scale and λ at which a file reaches its goal.

Bytes fall as the table scale grows, and λ with it. Sampled passes find the scale to within a percent
or two. Steps of tables are whole numbers, so λ alone is changed to meet the goal more closely.

The bytes of a progressive file are estimated as those of a baseline file times the share that the
progressive scans of a full pass take.
"""

import math
from dataclasses import dataclass, field

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
from codec.jpeg.rate_control.secant import Bracket
from codec.jpeg.rate_control.target import Goal
from codec.jpeg.syntax.symbols import END_OF_BLOCK, ZERO_RUN
from codec.jpeg.syntax.tables import find_quality_scale
from codec.jpeg.write.coded_scan import Scan
from codec.jpeg.write.scan_script import choose_script, predict_share

TOLERANCE = 0.006
"""Relative distance from the goal at which the search ends."""
LIMIT = 0.009
"""Largest relative excess over the goal that is accepted."""
MAX_PASSES = 30
"""Full and adjusted passes after which a search returns what it has."""

_MOST_SAMPLED_PASSES = 10
# Relative error of a sampled pass below which the slope gives the step of the first full pass.
_SAMPLED_TOLERANCE = 0.03
# Log step by which a sampled pass raises λ alone, to measure its effect.
_LAMBDA_PROBE = 0.2
# Strides of adjusted passes, the cheaper first: with either, the pattern of `quantize_ac` forms no
# columns of blocks. They are used where log λ of those blocks changes by no more than the reach.
_ADJUSTED_STRIDES = (5, 2)
_ADJUSTED_REACH = 0.15
_MOST_ADJUSTMENTS = 2
_FEW_ROWS = 32  # of luma blocks
_MOST_TABLES = 3
# Log steps. Finest: all table entries are 1, and λ is too small to remove anything visible. Coarsest:
# all entries are 255, and λ removes every AC coefficient; the file is shorter than any reference.
_FINEST, _COARSEST = math.log(0.2), math.log(4000.0)
_REFERENCE_HEADER_BYTES = 623  # of libjpeg's files with the default Huffman tables
# d log(bytes) / d log(step) of table and λ together, and of λ's step alone; typical of photos.
_SLOPE = -0.75
_LAMBDA_SLOPE = -0.35
# Largest distance of log λ_scale below log table_scale: beyond it, a finer table is the better choice.
_LAMBDA_REACH = 0.25
_TABLE_STEP = 0.08
# Rates come from the previous pass. From this error, or after so many trials, they are frozen, so
# that the bytes depend on λ alone and a bracket holds.
_FREEZE_ERROR = 0.05
_FREEZE_TRIALS = 3


def guess_step(quality: int, reference_bytes: int, pixels: int) -> float:
    """Return the table scale at which the search starts.

    Fitted by least squares on 16 photos of OSIE at five qualities and three strengths (standard
    deviation 8 %): the simpler an image, the finer the table for the reference's bytes.
    """
    bpp = max(reference_bytes - _REFERENCE_HEADER_BYTES, 1) * 8 / pixels
    return 16.0 * find_quality_scale(quality) * 0.95 * float(bpp**0.405)


def is_finest(point: Point) -> bool:
    """Return whether a pass at `point` makes the largest file."""
    return math.log(point.table_scale) <= _FINEST + 1e-6


def is_coarsest(point: Point) -> bool:
    """Return whether a pass at `point` makes the smallest file."""
    # Both must be at the limit: λ alone does not shorten DC.
    return math.log(min(point.table_scale, point.lambda_scale)) >= _COARSEST - 1e-6


def _follow_slope(log_step: float, error: float) -> float:
    """Return the log step at which the typical slope predicts no error."""
    return min(max(log_step - error / _SLOPE, _FINEST), _COARSEST)


@dataclass(slots=True)
class RateSearch:
    """The search of one encode; `blocks` hold the qcoefs of the latest pass."""

    blocks: Blocks
    tuning: Tuning
    goal: Goal
    progressive: bool = False
    rates: list[NDArray[np.float32]] = field(init=False)
    """Bits (256,) of each AC symbol for the next pass, by component kind."""
    are_rates_frozen: bool = False
    lambda_slope: float = _LAMBDA_SLOPE
    passes: int = 0
    """Full and adjusted passes; sampled passes are not counted."""
    best: tuple[float, Pass, list[NDArray[np.float32]]] | None = None
    """The full pass nearest to the goal within LIMIT, as (error, pass, rates that it used)."""
    script: list[Scan] = field(default_factory=list)
    """The scans of a progressive file, chosen on the latest pass."""
    progressive_share: float = 1.0
    """Bytes of the progressive scans over those of a baseline scan, predicted or of the latest pass."""

    def __post_init__(self) -> None:
        self.rates = [make_prior_rates(), make_prior_rates()]

    def find(self, first_step: float) -> Pass:
        """Return the pass that meets the goal, or the nearest possible; start at a table scale."""
        last = self._meet_target(self._find_step(math.log(first_step)))
        log_step, coarser = math.log(last.point.table_scale), _TABLE_STEP
        while self.best is None and log_step < _COARSEST:
            # λ does not shorten DC. Where most of the file is DC, only a coarser table helps.
            log_step = min(log_step + coarser, _COARSEST)
            coarser *= 2.0
            last, _ = self._run(Point(math.exp(log_step), math.exp(log_step)))
        if self.best is None:
            return self.run_coarsest()
        if self.best[1] is last:
            return last
        self.rates = self.best[2]
        return self._run(self.best[1].point)[0]

    def run_coarsest(self) -> Pass:
        """Return the pass that makes the smallest file."""
        return self._run(Point(math.exp(_COARSEST), math.exp(_COARSEST)))[0]

    def _find_step(self, start: float) -> float:
        """Return the log step that sampled passes find; set the rates and λ's slope for full passes."""
        position = min(max(start, _FINEST), _COARSEST)
        # The first sampled pass only replaces the prior rates by those of this image.
        error = self._run_sampled(position)
        bracket = Bracket(_SLOPE, _FINEST, _COARSEST)
        while len(bracket.trials) < _MOST_SAMPLED_PASSES:
            proposal = bracket.propose() if bracket.trials else _follow_slope(position, error)
            if proposal is None:
                position, error = min(bracket.trials, key=lambda trial: abs(trial[1]))
                break
            position = proposal
            error = self._run_sampled(position)
            if abs(error) < _SAMPLED_TOLERANCE:
                break
            bracket.add(position, error)
        beyond = self._run_sampled(position, _LAMBDA_PROBE)
        slope = (beyond - error) / _LAMBDA_PROBE
        self.lambda_slope = min(max(slope, 2.0 * _LAMBDA_SLOPE), _LAMBDA_SLOPE / 8.0)
        return _follow_slope(position, error)

    def _run_sampled(self, log_step: float, lambda_ahead: float = 0.0) -> float:
        """Return the error of a sampled pass; use its rates from now on, unless λ is ahead."""
        point = Point(math.exp(log_step), math.exp(log_step + lambda_ahead))
        sampled = run_sampled_pass(self.blocks, self.tuning, point, self.rates)
        if not lambda_ahead:
            self.rates = [estimate_rates(counts) for counts in sampled.ac_counts]
            if self.progressive:
                self.progressive_share = predict_share(sampled.density)
        errors = self.goal.measure(self.blocks, sampled.quant_tables, sample=True)
        return self.goal.find_error(self._scale_bytes(sampled.file_bytes), errors)

    def _meet_target(self, log_step: float) -> Pass:
        """Run full passes: first with other tables, then with the finer table and other λ."""
        tables = Bracket(_SLOPE, _FINEST, _COARSEST)
        while True:
            last, error = self._run(Point(math.exp(log_step), math.exp(log_step)))
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
        position, table_step = log_step, _TABLE_STEP
        bracket = Bracket(self.lambda_slope, log_step - _LAMBDA_REACH, _COARSEST)
        while True:
            bracket.add(position, error)
            proposal = bracket.propose()
            if proposal is not None:
                position = proposal
                if not self.are_rates_frozen and (
                    abs(error) < _FREEZE_ERROR or len(bracket.trials) == _FREEZE_TRIALS
                ):
                    self.are_rates_frozen = True
                    bracket = Bracket(self.lambda_slope, bracket.floor, bracket.ceiling)
            elif bracket.above is None and log_step > _FINEST:
                log_step = position = max(log_step - table_step, _FINEST)
                table_step *= 2.0  # an image of few blocks may need a much finer table
                bracket = Bracket(self.lambda_slope, log_step - _LAMBDA_REACH, _COARSEST)
            else:
                return last
            last, error = self._run(Point(math.exp(log_step), math.exp(position)))
            met = self._finish(last, error)
            if met is not None:
                return met

    def _finish(self, made: Pass, error: float) -> Pass | None:
        """Return a pass that meets the goal, `made` or one adjusted from it; None if neither does."""
        if abs(error) < TOLERANCE or self.passes >= MAX_PASSES:
            return made
        reach = abs(self.lambda_slope) * _ADJUSTED_REACH
        stride = next((stride for stride in _ADJUSTED_STRIDES if abs(error) * stride < reach), 0)
        if not stride:
            return None
        floor = math.log(made.point.table_scale) - _LAMBDA_REACH
        bracket = Bracket(self.lambda_slope / stride, floor, _COARSEST)
        bracket.add(math.log(made.point.lambda_scale), error)
        for _ in range(_MOST_ADJUSTMENTS):
            position = bracket.propose()
            if position is None:
                return None
            made = adjust_pass(
                *(self.blocks, self.tuning, made, self.rates),
                lambda_scale=math.exp(position),
                stride=stride,
            )
            self.passes += 1
            if self.progressive and self.blocks.components[0].coefs.shape[0] < _FEW_ROWS:
                # In a tiny file a few bytes are one percent, and counting its scans is cheap.
                self._choose_script()
            error = self._measure(made)
            if abs(error) < TOLERANCE:
                self.best = (error, made, self.rates)
                return made
            bracket.add(position, error)
        return None

    def _run(self, point: Point) -> tuple[Pass, float]:
        """Return a full pass and its error."""
        rates = self.rates
        made = run_pass(self.blocks, self.tuning, point, rates)
        if not self.are_rates_frozen:
            self.rates = [estimate_rates(counts) for counts in made.ac_counts]
        self.passes += 1
        if self.progressive:
            self._choose_script()
        error = self._measure(made)
        if error < LIMIT and (self.best is None or abs(error) < abs(self.best[0])):
            self.best = (error, made, rates)
        return made, error

    def _measure(self, made: Pass) -> float:
        """Return the error of the blocks' qcoefs, those of the pass `made` (`Goal.find_error`)."""
        errors = self.goal.measure(self.blocks, made.quant_tables)
        return self.goal.find_error(self._scale_bytes(made.file_bytes), errors)

    def _choose_script(self) -> None:
        components, qcoefs = self.blocks.components, self.blocks.read()
        self.script, self.progressive_share = choose_script(components, qcoefs)

    def _scale_bytes(self, baseline_bytes: float) -> float:
        """Return the bytes of the file, from those of a baseline file."""
        frame = count_frame_bytes(self.blocks.components)
        return frame + (baseline_bytes - frame) * self.progressive_share


def make_prior_rates() -> NDArray[np.float32]:
    """Return plausible bits (256,) of each AC symbol, for the first sampled pass."""
    run, size = np.divmod(np.arange(256), 16)
    rates = 1.0 + 0.7 * run + 1.5 * size
    rates[END_OF_BLOCK] = 3.0
    rates[ZERO_RUN] = 9.0
    return np.minimum(rates, 16.0).astype(np.float32)
