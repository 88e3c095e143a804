"""The goals of a fit: lower bounds on columns, and rewards for the growth of columns.

A column is a measure's difference to the standard JPEG of the same bytes, in dB, points or percent.
`SAVING` before a measure's name is another column: the bytes saved, in percent, compared with the
standard JPEG of the same measure; butteraugli has only that one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

UNIFORM: Final = "uniform"
WEIGHTED: Final = "weighted"
SAVING: Final = "saving_"
Columns = Mapping[tuple[int, str], Mapping[str, float]]
"""By quality and encoder: UNIFORM, WEIGHTED, or RIVALS with the best of them."""
RIVALS: Final = "rivals"


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
    qualities: tuple[int, int] = (1, 100)
    """The lowest and the highest quality at which it holds."""

    def applies(self, quality: int) -> bool:
        """Return whether the bound holds at a quality."""
        return self.qualities[0] <= quality <= self.qualities[1]


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

    def columns(self, encoder: str, quality: int) -> frozenset[str]:
        """Return the columns of an encoder that the goals need at a quality."""
        if encoder == RIVALS:
            found = [b.column for b in self.bounds if b.over_rivals and b.applies(quality)]
        else:
            found = [b.column for b in self.bounds if b.encoder == encoder and b.applies(quality)]
            found += [r.column for r in self.rewards if r.encoder == encoder]
        return frozenset(found)

    def cost(self, columns: Columns, qualities: Iterable[int]) -> float:
        """Return the cost that the fit minimises: the mean over the qualities."""
        costs = [self._cost_at(columns, quality) for quality in qualities]
        return sum(costs) / len(costs)

    def _cost_at(self, columns: Columns, quality: int) -> float:
        total = 0.0
        for bound in self.bounds:
            found = columns.get((quality, bound.encoder), {}).get(bound.column)
            if found is None or not bound.applies(quality):
                continue
            least = bound.least
            if bound.over_rivals:
                rival = columns.get((quality, RIVALS), {}).get(bound.column)
                if rival is None:
                    continue
                least += rival
            total += bound.weight * max(least - found, 0.0)
        for reward in self.rewards:
            found = columns.get((quality, reward.encoder), {}).get(reward.column, 0.0)
            total -= reward.weight * found
        return total


# Margins for other photos: PSNR-HVS is the column that falls first.
_CLASSIC: Final = (
    Bound("psnr", 0.15),
    Bound("ssim", 0.1),
    Bound("ms_ssim", 0.02, weight=30.0),
    Bound("vifp", 0.2),
    Bound("psnr_hvs", 0.15, qualities=(45, 80)),
    Bound("psnr_hvs_m", 0.1, qualities=(45, 80)),
    # All columns but PSNR are luma's. Without this bound colours pay for them.
    Bound("ssimulacra2", 1.0, qualities=(45, 80), weight=1.0),
)
# Butteraugli is missing where its library is; then SSIMULACRA2 counts alone.
_LOOKED_AT: Final = (
    Reward(f"{SAVING}ssimulacra2_gaze", 0.5),
    Reward(f"{SAVING}butteraugli_gaze", 0.5),
)
GOALS: Final = {
    "perceptual": Goals(
        (
            Bound("ssimulacra2", 2.0, qualities=(45, 80)),
            Bound("ssimulacra2", 0.0, encoder=UNIFORM, over_rivals=True),
        ),
        _LOOKED_AT,
    ),
    "perceptual_full": Goals((Bound("ssimulacra2", 0.0, qualities=(45, 80)),), _LOOKED_AT),
    "psnr": Goals(_CLASSIC, (Reward("psnr_s", 1.0),)),
    "psnr_full": Goals(
        (
            Bound("psnr_s", 5.4, weight=25.0),
            Bound("psnr", 0.3),
            Bound("ssim", 0.0, weight=2.0),
            Bound("ms_ssim", 0.0, weight=4.0),
            Bound("vifp", 0.3, weight=2.0),
            Bound("psnr_hvs", 0.2, weight=2.0),
            Bound("psnr_hvs_m", 0.2, weight=1.0),
        ),
        (Reward("psnr_s", 0.2),),
    ),
}
