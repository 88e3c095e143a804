"""The fitted constants of AVIF, and how `strength` changes them.

docs/codec.md describes how they were fitted.
"""

from dataclasses import dataclass, replace
from typing import Final

from codec.settings import Tune

DEFAULT_STRENGTH: Final = 0.6


@dataclass(frozen=True, slots=True)
class GuideTuning:
    """How the map moves bits."""

    saliency_ratio: float
    """Weight of the most salient blocks' squared errors over that of the background; steps differ by its
    root."""
    rise_from: float
    """Area rank from which the weight rises."""
    rise_to: float
    """Area rank at which it is highest."""
    metric: str
    """libaom's `tune`."""


PERCEPTUAL: Final = GuideTuning(saliency_ratio=8.0, rise_from=0.5, rise_to=0.96, metric="iq")
PSNR: Final = GuideTuning(saliency_ratio=6.0, rise_from=0.5, rise_to=0.96, metric="psnr")
FULL_STRENGTH: Final = 2.5
"""`saliency_ratio` at strength 1, over that at the default strength."""
SPEED: Final = 7
"""libaom's `cpu-used`: the fastest that obeys a file of rates (bench/results/avif.json)."""
LARGE_SPEED: Final = 8
"""That for pictures which are too large for a file of rates. A pass takes 60 % of the time."""
LARGE_PX: Final = 4_000_000
"""Pixels from which a picture without a file of rates counts as large."""


def choose_guide_tuning(tune: Tune, strength: float) -> GuideTuning:
    """Return the constants of a `tune` for `strength` in 0..1, of which the ratio alone depends on it."""
    family = PERCEPTUAL if tune == "perceptual" else PSNR
    if strength <= DEFAULT_STRENGTH:
        ratio = family.saliency_ratio ** (strength / DEFAULT_STRENGTH)
    else:
        share = (strength - DEFAULT_STRENGTH) / (1.0 - DEFAULT_STRENGTH)
        ratio = family.saliency_ratio * FULL_STRENGTH**share
    return replace(family, saliency_ratio=ratio)
