"""The goals of a fit: lower bounds on columns, and rewards for the growth of columns.

A column is a measure's difference to the standard JPEG of the same bytes, in dB, points or percent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.fit.measure import RIVALS, UNIFORM, WEIGHTED, Key, Row


@dataclass(frozen=True)
class Bound:
    """The lowest allowed value of a column at any quality."""

    column: str
    least: float
    encoder: str = WEIGHTED
    """WEIGHTED: with saliency; UNIFORM: without."""
    over_rivals: bool = False
    """`least` is relative to the best rival."""
    weight: float = 10.0
    """Cost of each unit below the bound."""

    def value(self, columns: Mapping[Key, Row], quality: int) -> float:
        """Return the bound at a quality."""
        if not self.over_rivals:
            return self.least
        found = [columns[quality, name] for name in RIVALS if (quality, name) in columns]
        return self.least + max((row[self.column] for row in found), default=-self.least)


@dataclass(frozen=True)
class Reward:
    """A column whose growth lowers the cost by `weight` for each unit."""

    column: str
    weight: float
    encoder: str = WEIGHTED


@dataclass(frozen=True)
class Goals:
    """The bounds and rewards of one fit."""

    bounds: Sequence[Bound]
    rewards: Sequence[Reward]

    def cost(self, columns: Mapping[Key, Row], qualities: Sequence[int]) -> float:
        """Return the cost that the fit minimises."""
        total = 0.0
        for quality in qualities:
            for bound in self.bounds:
                found = columns[quality, bound.encoder].get(bound.column)
                if found is not None:
                    total += bound.weight * max(bound.value(columns, quality) - found, 0.0)
            for reward in self.rewards:
                total -= reward.weight * columns[quality, reward.encoder].get(reward.column, 0.0)
        return total


# On Kodak, PSNR-HVS and PSNR-HVS-M are 0.05 and 0.45 dB higher than on the fitted photos, so their
# bounds are lower by about these values. The other bounds have a margin for other kinds of photos.
_CLASSIC: Final = (
    Bound("psnr", 0.15),
    Bound("ssim", 0.1),
    Bound("ms_ssim", 0.02, weight=30.0),
    Bound("vifp", 0.2),
    Bound("psnr_hvs", 0.0),
    Bound("psnr_hvs_m", -0.37),
)
GOALS: Final = {
    "default": Goals(
        (
            *_CLASSIC,
            Bound("psnr_s", 2.8),
            Bound("ssimulacra2", 2.3, weight=8.0),
            Bound("ssimulacra2_gaze", 2.4, over_rivals=True, weight=8.0),
            Bound("psnr_gaze", 2.15, over_rivals=True, weight=5.0),
            Bound("ssimulacra2", 0.5, encoder=UNIFORM, over_rivals=True, weight=5.0),
        ),
        (
            Reward("psnr_s", 1.0),
            Reward("psnr_gaze", 0.5),
            Reward("ssimulacra2_gaze", 0.5),
            Reward("ssimulacra2", 0.2),
            Reward("ssimulacra2", 0.1, UNIFORM),
        ),
    ),
    "full": Goals(
        (
            Bound("psnr_s", 5.4, weight=25.0),
            Bound("psnr", 0.3),
            Bound("ssim", 0.0, weight=2.0),
            Bound("ms_ssim", 0.0, weight=4.0),
            Bound("vifp", 0.3, weight=2.0),
            Bound("psnr_hvs", 0.2, weight=2.0),
            Bound("psnr_hvs_m", 0.2, weight=1.0),
        ),
        (Reward("ssimulacra2_gaze", 0.1), Reward("psnr_s", 0.2)),
    ),
}
