"""The encoder's fitted constants for each `tune`, and how `strength` changes them.

docs/codec.md describes how they were fitted by `python -m bench fit`.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Final, TypeVar

from codec.settings import Tune


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Weights of squared errors by frequency, of one component (`weigh_frequencies`)."""

    weight: float
    """Factor on the component; only ratios between components matter."""
    tilt: float
    """Exponent of Annex K's step in the first term: 0 is plain squared error."""
    low: float
    """Weight of the second term, for low frequencies, which stay visible from a greater distance."""
    dc: float
    """Additional weight of DC."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of one encode."""

    luma: Sensitivity
    cb: Sensitivity
    cr: Sensitivity
    steepness: float
    """Exponent of 1/√f in the quant_tables: 0 is flat, 1 gives all rounding errors the same cost."""
    rd_lambda: float
    """λ in squared steps: the weighted squared error that one bit is worth."""
    masking: float
    """Exponent of a luma block's activity."""
    masking_floor: float
    """Activity below which a block hides few errors, in squared samples."""
    saliency_ratio: float
    """Weight of the most salient blocks over that of the background."""
    rise_from: float
    """Area rank from which the weight rises."""
    rise_to: float
    """Area rank at which it is highest."""

    @property
    def sensitivities(self) -> tuple[Sensitivity, Sensitivity, Sensitivity]:
        """The sensitivities of Y, Cb and Cr."""
        return self.luma, self.cb, self.cr


@dataclass(frozen=True, slots=True)
class Family:
    """The constants of one aim."""

    default: Tuning
    """Those of DEFAULT_STRENGTH."""
    full: Tuning
    """Those of strength 1."""


_Constants = TypeVar("_Constants", Sensitivity, Tuning)

DEFAULT_STRENGTH: Final = 0.6
_PERCEPTUAL: Final = Tuning(
    luma=Sensitivity(weight=1.0, tilt=0.422, low=4.9, dc=0.998),
    cb=Sensitivity(weight=1.68, tilt=0.962, low=3.65, dc=21.8),
    cr=Sensitivity(weight=2.39, tilt=0.853, low=0.134, dc=0.594),
    steepness=0.615,
    rd_lambda=0.13,
    masking=0.319,
    masking_floor=71.1,
    saliency_ratio=10.0,
    rise_from=0.511,
    rise_to=0.941,
)
PERCEPTUAL: Final = Family(
    default=_PERCEPTUAL,
    full=replace(_PERCEPTUAL, rd_lambda=0.15, saliency_ratio=16.0, rise_from=0.48, rise_to=0.92),
)
PSNR: Final = Family(
    default=Tuning(
        luma=Sensitivity(weight=1.0, tilt=0.987, low=8.51, dc=0.998),
        cb=Sensitivity(weight=0.389, tilt=0.968, low=2.12, dc=21.8),
        cr=Sensitivity(weight=0.378, tilt=0.832, low=0.134, dc=0.594),
        steepness=0.625,
        rd_lambda=0.072,
        masking=0.228,
        masking_floor=69.6,
        saliency_ratio=14.7,
        rise_from=0.495,
        rise_to=0.99,
    ),
    full=Tuning(
        luma=Sensitivity(weight=1.0, tilt=0.461, low=1.73, dc=0.443),
        cb=Sensitivity(weight=0.521, tilt=1.25, low=0.0185, dc=0.857),
        cr=Sensitivity(weight=0.439, tilt=0.838, low=0.0, dc=0.0),
        steepness=0.32,
        rd_lambda=0.187,
        masking=0.151,
        masking_floor=3.69,
        saliency_ratio=15.0,
        rise_from=0.62,
        rise_to=0.82,
    ),
)
FAMILIES: Final[dict[Tune, Family]] = {"perceptual": PERCEPTUAL, "psnr": PSNR}
# Interpolated geometrically; the others linearly.
_RATIOS: Final = frozenset({"weight", "rd_lambda", "masking_floor", "saliency_ratio"})


def choose_tuning(tune: Tune, strength: float) -> Tuning:
    """Return the constants of a `tune` for `strength` in 0..1.

    Up to DEFAULT_STRENGTH only the saliency ratio grows, so that strength 0 is the default without
    a map. Above it, all constants move from the family's default to its full ones.
    """
    family = FAMILIES[tune]
    if strength <= DEFAULT_STRENGTH:
        share = strength / DEFAULT_STRENGTH
        return replace(family.default, saliency_ratio=family.default.saliency_ratio**share)
    share = (strength - DEFAULT_STRENGTH) / (1.0 - DEFAULT_STRENGTH)
    return _mix(family.default, family.full, share)


def _mix(start: _Constants, end: _Constants, share: float) -> _Constants:
    """Return constants interpolated between `start` (share 0) and `end` (share 1)."""
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
