"""The encoder's fitted constants, and how `strength` moves them."""

import math
from dataclasses import dataclass, fields, replace
from typing import Final, TypeVar


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What a squared error counts in each coefficient of one component (`codec.jpeg.syntax.tables`)."""

    weight: float
    """Of the component; all four are relative to one another only."""
    tilt: float
    """Exponent of the part that falls as Annex K rises: 0 is plain squared error."""
    low: float
    """Of the part for what survives in the picture seen from farther away: DC and its neighbours."""
    dc: float
    """Of DC alone, besides."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of one encode; docs/codec.md says how they were fitted."""

    luma: Sensitivity
    cb: Sensitivity
    cr: Sensitivity
    steepness: float
    """Exponent of 1/√f in the quant_tables: 0 is flat, 1 has the same cost in every rounding error."""
    rd_lambda: float
    """Squared steps that one bit is worth, where an error counts 1."""
    masking: float
    """Exponent of a luma block's activity."""
    masking_floor: float
    """Activity below which nothing hides, in squared samples."""
    chroma_masking: float
    """Exponent of a chroma block's."""
    darkness: float
    """What an error counts more in black."""
    saliency_ratio: float
    """Weight of the hottest blocks over that of the background."""
    rise_from: float
    """Area rank from which the weight climbs."""
    rise_to: float
    """Area rank at which it is highest."""

    @property
    def sensitivities(self) -> tuple[Sensitivity, Sensitivity, Sensitivity]:
        """Those of Y, Cb and Cr."""
        return self.luma, self.cb, self.cr


_Constants = TypeVar("_Constants", Sensitivity, Tuning)

DEFAULT_STRENGTH: Final = 0.6
DEFAULT: Final = Tuning(
    luma=Sensitivity(weight=1.0, tilt=0.927, low=8.04, dc=0.998),
    cb=Sensitivity(weight=1.06, tilt=0.968, low=2.12, dc=21.8),
    cr=Sensitivity(weight=0.969, tilt=0.832, low=0.134, dc=0.594),
    steepness=0.625,
    rd_lambda=0.0986,
    masking=0.303,
    masking_floor=69.6,
    chroma_masking=0.109,
    darkness=0.421,
    saliency_ratio=11.1,
    rise_from=0.502,
    rise_to=0.96,
)
FULL: Final = Tuning(
    luma=Sensitivity(weight=1.0, tilt=0.461, low=1.73, dc=0.443),
    cb=Sensitivity(weight=0.521, tilt=1.25, low=0.0185, dc=0.857),
    cr=Sensitivity(weight=0.439, tilt=0.838, low=0.0, dc=0.0),
    steepness=0.32,
    rd_lambda=0.187,
    masking=0.151,
    masking_floor=3.69,
    chroma_masking=0.271,
    darkness=0.0,
    saliency_ratio=11.7,
    rise_from=0.62,
    rise_to=0.82,
)
# Change in equal ratios on the way from one to the other.
_RATIOS: Final = frozenset({"weight", "rd_lambda", "masking_floor", "saliency_ratio"})


def tune(strength: float) -> Tuning:
    """Return the constants for `strength` in 0..1.

    Up to the default only the weights grow, so that strength 0 is the default without saliency;
    beyond it the table, λ and masking move too.
    """
    if strength <= DEFAULT_STRENGTH:
        share = strength / DEFAULT_STRENGTH
        return replace(DEFAULT, saliency_ratio=DEFAULT.saliency_ratio**share)
    return _mix(DEFAULT, FULL, (strength - DEFAULT_STRENGTH) / (1.0 - DEFAULT_STRENGTH))


def _mix(start: _Constants, end: _Constants, share: float) -> _Constants:
    """Return the constants that lie `share` of the way between two sets of them."""
    mixed = {}
    for field in fields(start):
        a, b = getattr(start, field.name), getattr(end, field.name)
        if isinstance(a, Sensitivity):
            mixed[field.name] = _mix(a, b, share)
        elif field.name in _RATIOS:
            mixed[field.name] = math.exp(math.log(a) + share * math.log(b / a))
        else:
            mixed[field.name] = a + share * (b - a)
    return type(start)(**mixed)
