"""The goal of a rate search: a number of bytes, or errors at most as large as the reference's.

A goal turns a pass into one number, its error. It is positive where the pass is finer than required and
falls as quantization gets coarser; the search looks for 0. On photos the error changes smoothly. On flat
pictures it jumps, and may never be near 0: there the search takes the shortest file that is fine enough.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.distortion import Errors
from codec.jpeg.quantize.tuning import DEFAULT_STRENGTH
from codec.settings import EncodeSettings

TARGET_SHARE: Final = 0.999
"""Share of the reference's bytes at which `target=size` aims; the search ends within 0.6 % of it."""
LEAST_SHARE: Final = 0.992
"""Share of the target's bytes below which a file is searched again. The bytes of progressive scans are
estimated on some rows of a large image, so that a file may turn out shorter."""
CAP_SHARE: Final = 0.994
"""Share of an upper limit at which a search aims, so that files within its tolerance stay below it."""
_FIDELITY_SCALE: Final = 0.5
"""Factor from log errors to log bytes, so that one slope serves both. Per log step of table and λ, log
errors change by 1.47 and log bytes by 0.75; per log step of λ alone, by 0.62 and 0.35 (12 photos of OSIE
at half size, qualities 30 to 90, strengths 0 to 1). The search's tolerance is then 0.05 dB."""
VISIBLE_SHARE: Final = 0.9
"""Ratio to the reference's visible errors that the salient region may reach. With 1.0 the file is as good as
the reference where people look (SSIMULACRA2 there) in 81 % of cases with photos that the network was
trained on, with 0.9 in 96 %, for 4 % more bytes (docs/research/encoder.md)."""
PLAIN_SHARE: Final = 1.6
"""Ratio to the reference's plain errors that a region may reach. On photos the visible errors end the
search first: the Kodak photos reach 1.59 with qualities 10 to 75, strengths 0 to 1 and the network's maps."""
_UNLIMITED: Final = (math.inf, math.inf)
_NO_NOISE = Errors(0.0, 0.0, 0.0, 0.0)


class Fit(NamedTuple):
    """How a pass compares with its goal, in log ratios of bytes."""

    excess: float
    """By how much it has more bytes than the goal."""
    spare: float
    """By how much the worse region is better than required; −∞ if the goal does not limit errors."""

    @property
    def error(self) -> float:
        """How much finer the pass is than required; negative if coarser."""
        return max(self.excess, self.spare)


@dataclass(frozen=True, slots=True)
class Goal:
    """The bytes to reach or not to exceed, and the errors that are allowed."""

    target_bytes: float
    limit_bytes: float
    """Upper limit on the finished file."""
    least_bytes: float = 0.0
    """A file with fewer bytes is searched again."""
    allowed: Errors | None = None
    """If given, a pass with at most these errors meets the goal, even below `target_bytes`. The error of a
    region without blocks is not limited: ∞."""
    noise: Errors = _NO_NOISE
    """Errors of the source's own quantization, which are added to those of a pass."""

    def compare(self, file_bytes: float, errors: Errors | None) -> Fit:
        """Return how a pass with these bytes and errors, without `noise`, compares with the goal."""
        excess = math.log(file_bytes / self.target_bytes)
        if self.allowed is None or errors is None:
            return Fit(excess, -math.inf)
        spare = min(
            math.log(allowed / (found + noise))
            for allowed, found, noise in zip(self.allowed, errors, self.noise, strict=True)
        )
        return Fit(excess, spare * _FIDELITY_SCALE)

    def measure(self, blocks: Blocks, quant_tables: Sequence[NDArray[np.uint16]]) -> Errors | None:
        """Return the errors of the last pass; None if the goal does not depend on them."""
        return None if self.allowed is None else blocks.measure(quant_tables)

    def allow_noise(self, noise: Errors, share: float) -> "Goal":
        """Return the goal for coefficients that already have the errors `noise`.

        `noise` is added to the errors of the file and to those of the reference. The file's may exceed
        the sum by the given `share` of `noise`.
        """
        if self.allowed is None:
            return self
        return replace(self, allowed=self.allowed.plus(noise, 1.0 + share), noise=noise)

    def loosen(self, file_bytes: int) -> "Goal":
        """Return the goal after a file of `file_bytes`, fewer than estimated; it accepts any shorter file."""
        return replace(self, target_bytes=self.target_bytes**2 / file_bytes, least_bytes=0.0)

    def tighten(self) -> "Goal":
        """Return the goal after a file had more bytes than estimated."""
        return replace(self, target_bytes=self.target_bytes * 0.99)


def set_goal(
    settings: EncodeSettings,
    blocks: Blocks,
    reference_bytes: int,
    visible_share: float = VISIBLE_SHARE,
) -> Goal:
    """Return the goal of an encode of these blocks with `settings`.

    `visible_share` is the ratio to the reference's visible errors that the salient region may reach.
    """
    cap = settings.max_bytes if settings.max_bytes is not None else math.inf
    if settings.target == "size":
        target = min(reference_bytes * TARGET_SHARE, cap * CAP_SHARE)
        return Goal(target, min(reference_bytes * 1.01, cap), target * LEAST_SHARE)
    limit = min(reference_bytes, cap)
    reference = blocks.measure_reference(settings.quality, settings.least_quality)
    has_salient, has_rest = blocks.has_regions()
    # The errors of a region without blocks say nothing.
    salient = _UNLIMITED
    if has_salient:
        salient = (reference.salient * visible_share, reference.plain_salient * PLAIN_SHARE)
    rest = (reference.rest, reference.plain_rest * PLAIN_SHARE) if has_rest else _UNLIMITED
    allowed = Errors(salient[0], rest[0], salient[1], rest[1])
    return Goal(limit * CAP_SHARE, limit, allowed=allowed)


def estimate_step_factor(settings: EncodeSettings) -> float:
    """Return the factor from the step for the reference's bytes to the step for the goal.

    Its logarithm is a line fitted on the 12 photos of `_FIDELITY_SCALE`, with a standard deviation
    of 0.03 at strength 0 and 0.09 at the default. Without it, `target=quality` starts a third too
    fine.
    """
    if settings.target == "size":
        return 1.0
    share = min(settings.strength / DEFAULT_STRENGTH, 1.0)
    plain = 0.3 - 0.0023 * settings.quality
    return math.exp(plain + share * (0.36 - 0.0021 * settings.quality))
