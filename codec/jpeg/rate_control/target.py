"""What a rate search looks for: bytes, or fidelity where people look with as few bytes as it takes.

A goal turns one pass into an error that falls as quantization gets coarser and is 0 where the
search ends: positive means finer than asked for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.distortion import Errors
from codec.jpeg.quantize.tuning import DEFAULT_STRENGTH
from codec.settings import EncodeSettings

# Share of the reference's bytes that `target=size` aims at: the search may end 0.6 % to either side.
TARGET_SHARE = 0.999
# Scans are chosen on some rows of a large picture, which now and then mislead about their bytes.
LEAST_SHARE = 0.992
# `target=quality` may stop at most here, and max_bytes anywhere below.
CAP_SHARE = 0.994
# Log errors fall by 1.47 per log step of table and λ together and by 0.62 per that of λ alone (12
# photos of OSIE, halved, at qualities 30 to 90 and strengths 0 to 1), log bytes by 0.75 and 0.35:
# halved, both are one scale to the search, and its tolerance is 0.05 dB.
_FIDELITY_SCALE = 0.5
_NO_NOISE = Errors(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Goal:
    """The bytes to fill or not to exceed, and the errors that are allowed."""

    target_bytes: float
    limit_bytes: float
    """What the finished file may take."""
    least_bytes: float = 0.0
    """A shorter file should be searched again."""
    allowed: Errors | None = None
    """Where given, a file with these errors is good enough, below `target_bytes`."""
    noise: Errors = _NO_NOISE
    """Errors that the coefficients had before, of a picture that was quantized once."""

    def error_of(self, file_bytes: float, errors: Errors | None) -> float:
        """Return how much finer a pass is than asked for, as a logarithm."""
        excess = math.log(file_bytes / self.target_bytes)
        if self.allowed is None or errors is None:
            return excess
        spare = min(
            math.log(allowed / own) for allowed, own in zip(self.allowed, errors, strict=True)
        )
        return max(excess, spare * _FIDELITY_SCALE)

    def measure(
        self,
        blocks: Blocks,
        quant_tables: Sequence[NDArray[np.uint16]],
        *,
        sample: bool = False,
    ) -> Errors | None:
        """Return the errors of a pass, or of a sampled pass's sample, where the goal depends on them."""
        if self.allowed is None:
            return None
        made = blocks.measure(quant_tables, sample=sample)
        return Errors(made.salient + self.noise.salient, made.rest + self.noise.rest)

    def allow_noise(self, noise: Errors, share: float) -> "Goal":
        """Return the goal beside an original that the coefficients are off by `noise` already.

        Both the file and the reference have these errors, and the file `share` of them more.
        """
        if self.allowed is None:
            return self
        allowed = (a + (1.0 + share) * n for a, n in zip(self.allowed, noise, strict=True))
        return replace(self, allowed=Errors(*allowed), noise=noise)

    def loosen(self, file_bytes: int) -> "Goal":
        """Return the goal after a file turned out shorter than was estimated; it is so once."""
        return replace(self, target_bytes=self.target_bytes**2 / file_bytes, least_bytes=0.0)

    def tighten(self) -> "Goal":
        """Return the goal after a file turned out larger than was estimated."""
        return replace(self, target_bytes=self.target_bytes * 0.99)


def set_goal(
    settings: EncodeSettings,
    blocks: Blocks,
    reference_bytes: int,
) -> Goal:
    """Return what `settings` ask for of these blocks, the reference being of that many bytes."""
    cap = settings.max_bytes if settings.max_bytes is not None else math.inf
    if settings.target == "size":
        target = min(reference_bytes * TARGET_SHARE, cap * CAP_SHARE)
        return Goal(target, min(reference_bytes * 1.01, cap), target * LEAST_SHARE)
    limit = min(reference_bytes, cap)
    salient = blocks.measure_reference(settings.quality).salient
    rest = blocks.measure_reference(settings.least_quality).rest
    return Goal(limit * CAP_SHARE, limit, allowed=Errors(salient, rest))


def coarsen(settings: EncodeSettings) -> float:
    """Return how much coarser a goal's step is than that of the reference's bytes.

    A line through the same 12 photos, from which the logarithm deviates by 0.03 at strength 0 and
    by 0.09 at the default: without it a search for fidelity starts a third too fine.
    """
    if settings.target == "size":
        return 1.0
    share = min(settings.strength / DEFAULT_STRENGTH, 1.0)
    plain = 0.3 - 0.0023 * settings.quality
    return math.exp(plain + share * (0.36 - 0.0021 * settings.quality))
