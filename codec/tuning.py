"""The encoder's fitted constants, and how `strength` moves them."""

import math
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of one encode; docs/codec.md says how they were fitted."""

    luma_mix: float
    """Exponent of Annex K in the luma table, the rest is flat."""
    chroma_mix: float
    chroma_scale: float
    """First step of the chroma table, relative to that of luma."""
    chroma_weight: float
    """What a squared error in chroma counts, one in luma being 1."""
    tilt: float
    """f_k ∝ shape_k^−tilt: 0 counts plain squared error, 2 counts errors in units of the table."""
    rd_lambda: float
    """Squared first steps that one bit is worth."""
    masking: float
    """Exponent of a block's activity."""
    masking_floor: float
    """Activity below which nothing hides, in squared samples."""
    saliency_ratio: float
    """Weight of the hottest blocks over that of the background."""
    rise: tuple[float, float]
    """Area ranks between which the weight climbs."""


DEFAULT_STRENGTH: Final = 0.6
# Fitted on OSIE at strength 0.6: the most PSNR in the region with no other column below the
# standard JPEG.
DEFAULT: Final = Tuning(
    luma_mix=0.67,
    chroma_mix=0.75,
    chroma_scale=1.0,
    chroma_weight=0.9,
    tilt=1.6,
    rd_lambda=0.12,
    masking=0.36,
    masking_floor=100.0,
    saliency_ratio=13.0,
    rise=(0.66, 0.86),
)
# Fitted on OSIE at strength 1: PSNR-S of +5.25 dB and PSNR not below, the other columns as high as
# that leaves them.
FULL: Final = Tuning(
    luma_mix=0.15,
    chroma_mix=0.3,
    chroma_scale=1.05,
    chroma_weight=0.8,
    tilt=1.35,
    rd_lambda=0.22,
    masking=0.33,
    masking_floor=800.0,
    saliency_ratio=17.0,
    rise=(0.67, 0.78),
)


def tune(strength: float) -> Tuning:
    """Return the constants for `strength` in 0..1.

    Up to the default only the weights grow, so that strength 0 is the default without saliency;
    beyond it the table, λ and masking move too.
    """
    if strength <= DEFAULT_STRENGTH:
        share = strength / DEFAULT_STRENGTH
        return replace(DEFAULT, saliency_ratio=DEFAULT.saliency_ratio**share)
    share = (strength - DEFAULT_STRENGTH) / (1.0 - DEFAULT_STRENGTH)

    def mix(default: float, full: float) -> float:
        return default + share * (full - default)

    def mix_logs(default: float, full: float) -> float:
        return math.exp(mix(math.log(default), math.log(full)))

    return Tuning(
        luma_mix=mix(DEFAULT.luma_mix, FULL.luma_mix),
        chroma_mix=mix(DEFAULT.chroma_mix, FULL.chroma_mix),
        chroma_scale=mix_logs(DEFAULT.chroma_scale, FULL.chroma_scale),
        chroma_weight=mix_logs(DEFAULT.chroma_weight, FULL.chroma_weight),
        tilt=mix(DEFAULT.tilt, FULL.tilt),
        rd_lambda=mix_logs(DEFAULT.rd_lambda, FULL.rd_lambda),
        masking=mix(DEFAULT.masking, FULL.masking),
        masking_floor=mix_logs(DEFAULT.masking_floor, FULL.masking_floor),
        saliency_ratio=mix_logs(DEFAULT.saliency_ratio, FULL.saliency_ratio),
        rise=(mix(DEFAULT.rise[0], FULL.rise[0]), mix(DEFAULT.rise[1], FULL.rise[1])),
    )
