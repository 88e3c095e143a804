"""Rate search: the table scale and λ at which a file reaches its goal.

Bytes fall as the table's scale grows, with λ in step with it. Sampled passes find the scale;
but tables are whole numbers, and a sampled pass is off by a percent or two, so λ alone meets the rest.

The bytes of a progressive file are those of a baseline one times the share that its scans take of a
full pass.
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
    estimate_rates,
    frame_bytes,
    run_pass,
)
from codec.jpeg.rate_control.sampled_pass import run_sampled_pass
from codec.jpeg.rate_control.secant import Bracket
from codec.jpeg.rate_control.target import Goal
from codec.jpeg.syntax.tables import scale_of_quality
from codec.jpeg.write.coded_scan import Scan
from codec.jpeg.write.scan_script import choose_script, predict_share

TOLERANCE = 0.006
"""Relative distance from the target at which the search ends."""
LIMIT = 0.009
"""Largest relative excess over the target that is ever accepted."""
MAX_PASSES = 30

_MOST_SAMPLED_PASSES = 10
# Within it the next step is taken from the slope, without another sampled pass to see it.
_SAMPLED_TOLERANCE = 0.03
# How far beyond the table's step a sampled pass measures what λ alone does.
_LAMBDA_PROBE = 0.2
# One block in so many is adjusted, where log λ needs to move by no more than this in them; the
# pattern of `quantize_ac` has no columns with either. Beyond, another table is tried, so often.
_ADJUSTED = (5, 2)
_ADJUSTED_REACH = 0.15
_MOST_ADJUSTMENTS = 2
_FEW_ROWS = 32  # of luma blocks
_MOST_TABLES = 3
# Finest: every table is all ones and λ too small to drop anything that can be seen. Coarsest: all
# tables are 255 and λ leaves no AC coefficient; that file is always shorter than the reference.
_FINEST, _COARSEST = math.log(0.2), math.log(4000.0)
_REFERENCE_HEADER_BYTES = 623
# d log(bytes) / d log(step) of table and λ together, and of λ's step alone, as seen on photos.
_SLOPE = -0.75
_LAMBDA_SLOPE = -0.35
# Below the table's step; further down λ keeps coefficients that a finer table codes better.
_LAMBDA_REACH = 0.25
_TABLE_STEP = 0.08
# A pass runs with the rates of the one before, so its bytes depend on where that one stood. Rates
# are held from here on, and bytes are a function of the position alone that a bracket can rely on.
_HOLD_ERROR = 0.05
_HOLD_TRIALS = 3


def guess_step(quality: int, reference_bytes: int, pixels: int) -> float:
    """Return the step at which the search starts.

    Fitted by least squares on 16 OSIE photos at five qualities and three strengths: the simpler the
    picture, the finer a table its reference's bytes pay for (8 % standard deviation).
    """
    bpp = max(reference_bytes - _REFERENCE_HEADER_BYTES, 1) * 8 / pixels
    return 16.0 * scale_of_quality(quality) * 0.95 * float(bpp**0.405)


def is_finest(point: Point) -> bool:
    """Return whether no pass makes a larger file."""
    return math.log(point.table_scale) <= _FINEST + 1e-6


def is_coarsest(point: Point) -> bool:
    """Return whether no pass makes a smaller file."""
    # λ alone leaves DC as it is, which a coarser table still shortens.
    return math.log(min(point.table_scale, point.lambda_scale)) >= _COARSEST - 1e-6


def _follow_slope(log_step: float, error: float) -> float:
    return min(max(log_step - error / _SLOPE, _FINEST), _COARSEST)


@dataclass(slots=True)
class RateSearch:
    """One encode's way to its size; `blocks` have the qcoefs of the latest pass."""

    blocks: Blocks
    tuning: Tuning
    goal: Goal
    progressive: bool = False
    rates: list[NDArray[np.float32]] = field(init=False)
    hold_rates: bool = False
    lambda_slope: float = _LAMBDA_SLOPE
    passes: int = 0
    """Trellis passes; sampled passes don't count."""
    best: tuple[float, Pass, list[NDArray[np.float32]]] | None = None
    """Nearest full pass within LIMIT: its error, itself, and the rates it ran with."""
    script: list[Scan] = field(default_factory=list)
    """The scans of a progressive file."""
    progressive_share: float = 1.0
    """Bytes of the scans over those of a baseline file's, as predicted or as the last pass had them."""

    def __post_init__(self) -> None:
        self.rates = [prior_rates(), prior_rates()]

    def find(self, first_step: float) -> Pass:
        """Fill the target, or come as near as the finest quantization does, starting at a step."""
        last = self._meet_target(self._find_step(math.log(first_step)))
        log_step, coarser = math.log(last.point.table_scale), _TABLE_STEP
        while self.best is None and log_step < _COARSEST:
            # λ leaves DC alone: where that is most of the file, only a coarser table is shorter.
            log_step = min(log_step + coarser, _COARSEST)
            coarser *= 2.0
            last, _ = self._run(Point(math.exp(log_step), math.exp(log_step)))
        if self.best is None:
            return self.coarsen()
        if self.best[1] is last:
            return last
        self.rates = self.best[2]
        return self._run(self.best[1].point)[0]

    def coarsen(self) -> Pass:
        """Run the pass than which none makes a smaller file."""
        return self._run(Point(math.exp(_COARSEST), math.exp(_COARSEST)))[0]

    def _find_step(self, start: float) -> float:
        """Return the log step that sampled passes end at, and leave the rates they found."""
        position = min(max(start, _FINEST), _COARSEST)
        # The first runs with rates that this picture's statistics had no part in.
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
        """Return how much finer than asked for a sampled pass is; take its rates unless λ is ahead."""
        point = Point(math.exp(log_step), math.exp(log_step + lambda_ahead))
        sampled = run_sampled_pass(self.blocks, self.tuning, point, self.rates)
        if not lambda_ahead:
            self.rates = [estimate_rates(counts) for counts in sampled.ac_counts]
            if self.progressive:
                self.progressive_share = predict_share(sampled.density)
        errors = self.goal.measure(self.blocks, sampled.quant_tables, sample=True)
        return self.goal.error_of(self._scale_bytes(sampled.file_bytes), errors)

    def _meet_target(self, log_step: float) -> Pass:
        """Run full passes: another table while far off, then with the table held and λ free."""
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
        # A finer table, from which λ has only to grow.
        log_step, error = tables.above or tables.trials[-1]
        return self._meet_by_lambda(log_step, error, last)

    def _meet_by_lambda(self, log_step: float, error: float, last: Pass) -> Pass:
        """Run full passes with the table held; a finer one where λ alone can't fill."""
        position, table_step = log_step, _TABLE_STEP
        bracket = Bracket(self.lambda_slope, log_step - _LAMBDA_REACH, _COARSEST)
        while True:
            bracket.add(position, error)
            proposal = bracket.propose()
            if proposal is not None:
                position = proposal
                if not self.hold_rates and (
                    abs(error) < _HOLD_ERROR or len(bracket.trials) == _HOLD_TRIALS
                ):
                    self.hold_rates = True
                    bracket = Bracket(self.lambda_slope, bracket.floor, bracket.ceiling)
            elif bracket.above is None and log_step > _FINEST:
                log_step = position = max(log_step - table_step, _FINEST)
                table_step *= 2.0  # a picture of few blocks may need a far finer one
                bracket = Bracket(self.lambda_slope, log_step - _LAMBDA_REACH, _COARSEST)
            else:
                return last
            last, error = self._run(Point(math.exp(log_step), math.exp(position)))
            met = self._finish(last, error)
            if met is not None:
                return met

    def _finish(self, made: Pass, error: float) -> Pass | None:
        """Return a pass that meets the target: this one, or with some blocks adjusted; else None."""
        if abs(error) < TOLERANCE or self.passes >= MAX_PASSES:
            return made
        reach = abs(self.lambda_slope) * _ADJUSTED_REACH
        stride = next((stride for stride in _ADJUSTED if abs(error) * stride < reach), 0)
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
                # A few bytes are a percent of a tiny file, and its scans are soon counted.
                self._choose_script()
            error = self._measure(made)
            if abs(error) < TOLERANCE:
                self.best = (error, made, self.rates)
                return made
            bracket.add(position, error)
        return None

    def _run(self, point: Point) -> tuple[Pass, float]:
        """Return a pass and how much finer it is than asked for."""
        rates = self.rates
        made = run_pass(self.blocks, self.tuning, point, rates)
        if not self.hold_rates:
            self.rates = [estimate_rates(counts) for counts in made.ac_counts]
        self.passes += 1
        if self.progressive:
            self._choose_script()
        error = self._measure(made)
        if error < LIMIT and (self.best is None or abs(error) < abs(self.best[0])):
            self.best = (error, made, rates)
        return made, error

    def _measure(self, made: Pass) -> float:
        """Return how much finer than asked for the qcoefs of a pass are."""
        errors = self.goal.measure(self.blocks, made.quant_tables)
        return self.goal.error_of(self._scale_bytes(made.file_bytes), errors)

    def _choose_script(self) -> None:
        components, qcoefs = self.blocks.components, self.blocks.read()
        self.script, self.progressive_share = choose_script(components, qcoefs)

    def _scale_bytes(self, baseline_bytes: float) -> float:
        """Return a file's bytes, those of a baseline one being known."""
        frame = frame_bytes(self.blocks.components)
        return frame + (baseline_bytes - frame) * self.progressive_share


def prior_rates() -> NDArray[np.float32]:
    """Return plausible bits (256,) of the AC symbols for the first sampled pass."""
    run, size = np.divmod(np.arange(256), 16)
    rates = 1.0 + 0.7 * run + 1.5 * size
    rates[0x00] = 3.0
    rates[0xF0] = 9.0
    return np.minimum(rates, 16.0).astype(np.float32)
