"""Rate search: the table scale and λ at which a file reaches its goal.

Bytes fall as the table's scale grows, with λ in step with it; but tables are whole numbers, so the
last percent is met by λ alone. Trials before that look at a sample of the blocks.

The bytes of a progressive file are those of the scans of each full pass; where a sample was quantized,
the last known share of the baseline file's bytes stands for them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from codec.bracket import Bracket
from codec.component import Component
from codec.goal import Goal
from codec.passes import Pass, Point, estimate_rates, run_pass
from codec.progressive import measure_scans
from codec.script import CodedScan, code_scans
from codec.tables import scale_of_quality
from codec.tuning import Tuning

TOLERANCE = 0.006
"""Relative distance from the target at which the search ends."""
LIMIT = 0.009
"""Largest relative excess over the target that is ever accepted."""
MAX_PASSES = 30

_SAMPLE_STRIDE = 4
_SAMPLE_BLOCKS = 4000  # with fewer blocks, all of them take part in every pass
_SAMPLE_TOLERANCE = 0.02
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
# Bytes of a progressive file over those of the baseline one, as on Kodak, until a full pass says.
_PROGRESSIVE_SHARE = 0.985


def guess_step(quality: int, reference_bytes: int, pixels: int) -> float:
    """Return the step at which the search starts.

    Fitted by least squares on 16 OSIE photos at five qualities and three strengths: the simpler the
    picture, the finer a table its reference's bytes pay for (8 % standard deviation).
    """
    bpp = max(reference_bytes - _REFERENCE_HEADER_BYTES, 1) * 8 / pixels
    return 16.0 * scale_of_quality(quality) * 0.72 * float(bpp**0.405)


def is_coarsest(point: Point) -> bool:
    """Return whether no pass makes a smaller file."""
    return math.log(point.lambda_scale) >= _COARSEST - 1e-6


@dataclass(slots=True)
class RateSearch:
    """One encode's way to its size; `qcoefs` are those of the latest pass."""

    components: Sequence[Component]
    tuning: Tuning
    goal: Goal
    progressive: bool = False
    qcoefs: list[NDArray[np.int16]] = field(init=False)
    rates: list[NDArray[np.float32]] = field(init=False)
    hold_rates: bool = False
    passes: int = 0
    best: tuple[float, Pass, list[NDArray[np.float32]]] | None = None
    """Nearest full pass within LIMIT: its error, itself, and the rates it ran with."""
    scans: list[CodedScan] = field(default_factory=list)
    """Those of the latest full pass of a progressive file."""
    progressive_share: float = _PROGRESSIVE_SHARE

    def __post_init__(self) -> None:
        self.qcoefs = [np.zeros(c.coefs.shape, np.int16) for c in self.components]
        self.rates = [prior_rates(), prior_rates()]

    def find(self, first_step: float) -> Pass:
        """Fill the target, or come as near as the finest quantization does, starting at a step."""
        blocks = sum(c.real_rows * c.real_columns for c in self.components)
        stride = _SAMPLE_STRIDE if blocks > _SAMPLE_BLOCKS else 1
        log_step, error = self._find_step(math.log(first_step), stride)
        last = self._meet_target(log_step, log_step - error / _LAMBDA_SLOPE)
        coarser = _TABLE_STEP
        while self.best is None and log_step < _COARSEST:
            # λ leaves DC alone: where that is most of the file, only a coarser table is shorter.
            log_step = min(log_step + coarser, _COARSEST)
            coarser *= 2.0
            last, _ = self._run(Point(math.exp(log_step), math.exp(log_step)), 1)
        if self.best is None:
            return self._run(Point(math.exp(_COARSEST), math.exp(_COARSEST)), 1)[0]
        if self.best[1] is last:
            return last
        self.rates = self.best[2]
        return self._run(self.best[1].point, 1)[0]

    def _find_step(self, start: float, stride: int) -> tuple[float, float]:
        """Return the log step, and its remaining error, of the nearest table, λ in step with it."""
        bracket = Bracket(_SLOPE, _FINEST, _COARSEST)
        position: float | None = min(max(start, _FINEST), _COARSEST)
        while position is not None and len(bracket.trials) < MAX_PASSES // 3:
            _, error = self._run(Point(math.exp(position), math.exp(position)), stride)
            bracket.add(position, error)
            # The first pass ran with rates that this picture's statistics had no part in.
            if abs(error) < _SAMPLE_TOLERANCE and len(bracket.trials) > 1:
                break
            position = bracket.propose()
            may_hold = position is not None and not self.hold_rates
            if may_hold and len(bracket.trials) == _HOLD_TRIALS:
                self.hold_rates = True
                bracket = Bracket(_SLOPE, _FINEST, _COARSEST)
        self.hold_rates = False
        if bracket.above is None and position is None:
            return bracket.trials[-1]  # even the finest falls short: start from there
        return min(bracket.trials, key=lambda trial: abs(trial[1]))

    def _meet_target(self, log_step: float, position: float) -> Pass:
        """Run full passes with the table held and λ free; a finer table where λ alone can't fill."""
        bracket = Bracket(_LAMBDA_SLOPE, log_step - _LAMBDA_REACH, _COARSEST)
        while True:
            last, error = self._run(Point(math.exp(log_step), math.exp(position)), 1)
            if abs(error) < TOLERANCE or self.passes >= MAX_PASSES:
                return last
            bracket.add(position, error)
            proposal = bracket.propose()
            if proposal is not None:
                position = proposal
                if not self.hold_rates and (
                    abs(error) < _HOLD_ERROR or len(bracket.trials) == _HOLD_TRIALS
                ):
                    self.hold_rates = True
                    bracket = Bracket(_LAMBDA_SLOPE, bracket.floor, bracket.ceiling)
            elif bracket.above is None and log_step > _FINEST:
                log_step = max(log_step - _TABLE_STEP, _FINEST)
                bracket = Bracket(_LAMBDA_SLOPE, log_step - _LAMBDA_REACH, _COARSEST)
                position = log_step
            else:
                return last

    def _run(self, point: Point, stride: int) -> tuple[Pass, float]:
        """Return a pass and how much finer it is than asked for."""
        rates = self.rates
        made = run_pass(self.components, self.tuning, point, rates, self.qcoefs, stride=stride)
        if not self.hold_rates:
            self.rates = [estimate_rates(counts) for counts in made.ac_counts]
        self.passes += 1
        if self.progressive:
            made = self._measure_progressive(made, stride)
        errors = self.goal.measure(
            self.components, self.tuning, made.quant_tables, self.qcoefs, stride=stride
        )
        error = self.goal.error_of(made.file_bytes, errors)
        if stride == 1 and error < LIMIT and (self.best is None or abs(error) < abs(self.best[0])):
            self.best = (error, made, rates)
        return made, error

    def _measure_progressive(self, made: Pass, stride: int) -> Pass:
        """Return the pass with the bytes of its progressive file."""
        if stride == 1:
            self.scans = code_scans(self.components, self.qcoefs)
            measured = measure_scans(self.components, self.scans)
            self.progressive_share = measured / made.file_bytes
        return replace(made, file_bytes=made.file_bytes * self.progressive_share)


def prior_rates() -> NDArray[np.float32]:
    """Return plausible bits (256,) of the AC symbols for the first pass."""
    run, size = np.divmod(np.arange(256), 16)
    rates = 1.0 + 0.7 * run + 1.5 * size
    rates[0x00] = 3.0
    rates[0xF0] = 9.0
    return np.minimum(rates, 16.0).astype(np.float32)
