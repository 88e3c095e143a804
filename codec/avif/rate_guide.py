"""The file of rates that tells libaom where bits go: one number for each 16×16 block, as text.

libaom adds the numbers of each superblock of 64×64 pixels and scales them so that their sum over the
picture is that of its own estimates. A superblock with the rate R and the estimate E gets steps of
2^(1 − R/E) times the usual size, at most 39 indexes of AV1's table finer or coarser
(`ext_rate_guided_quantization` and `get_rate_guided_quantizer` in libaom's allintra_vis.c). So the numbers
written here are our own estimates times 1 plus the wanted difference.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.avif.quantizer import STEPS
from codec.avif.rate_estimate import GRID_PX, estimate_rates
from codec.avif.tuning import GuideTuning
from codec.saliency_weights import rank_blocks, weigh_saliency

LEAST_SIDE_PX: Final = 64
"""Sides below which libaom gets no file. Below 32 pixels it would read beyond the end of its own array."""
MOST_RATE: Final = 0.9 * 2**31 / 2**9
"""Sum of estimated bits above which libaom gets no file. It adds 512ths of bits in an `int`."""
_GROUP: Final = 4  # blocks across a superblock
_LEAST_GROUPS: Final = 12
"""Superblocks from which one of them may be spoiled to change the steps of all others."""


class RateGuide:
    """Writes a picture's file for any level."""

    def __init__(
        self, image: NDArray[np.uint8], saliency: NDArray[np.float32], tuning: GuideTuning
    ) -> None:
        """Rank the map's blocks.

        Args:
            image: (h, w, 3) sRGB or (h, w) grey.
            saliency: (h', w') of any size in [0, 1].
            tuning: the constants of the encode.
        """
        self._image = image
        rows, columns = (-(-side // GRID_PX) for side in image.shape[:2])
        ranked = rank_blocks(saliency, rows, columns)
        weights = weigh_saliency(ranked, tuning.saliency_ratio, (tuning.rise_from, tuning.rise_to))
        self._finer = 0.5 * np.log2(weights.astype(np.float64))

    @property
    def may_shift(self) -> bool:
        """Whether `write` can shift steps."""
        height, width = self._image.shape[:2]
        groups = -(-height // (GRID_PX * _GROUP)) * -(-width // (GRID_PX * _GROUP))
        return bool(min(height, width) >= LEAST_SIDE_PX and groups >= _LEAST_GROUPS)

    def write(self, level: int, shift: float) -> bytes | None:
        """Return the file for a level; None if libaom can't use one.

        Args:
            level: libaom's, 1..63.
            shift: by how much the logarithm to base 2 of all steps is to be larger. The sum of all rates
                is given, so one superblock pays for it.
        """
        if min(self._image.shape[:2]) < LEAST_SIDE_PX:
            return None
        estimates = estimate_rates(self._image, float(STEPS[level]))
        if estimates.sum() > MOST_RATE:
            return None
        groups = _add_groups(estimates)
        finer = _add_groups(estimates * self._finer) / groups
        finer -= np.sum(groups * finer) / groups.sum()
        rates = groups * (1.0 + finer - shift)
        if shift:
            spoiled = np.argmin(finer) if shift < 0 else np.argmax(finer)
            rates.flat[spoiled] += shift * groups.sum()
        factors = np.repeat(np.repeat(rates / groups, _GROUP, 0), _GROUP, 1)
        numbers = estimates * factors[: estimates.shape[0], : estimates.shape[1]]
        return "\n".join(" ".join(f"{number:.5g}" for number in row) for row in numbers).encode()


def _add_groups(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the blocks of each superblock."""
    tall = np.add.reduceat(grid, range(0, grid.shape[0], _GROUP), axis=0)
    sums: NDArray[np.float64] = np.add.reduceat(tall, range(0, grid.shape[1], _GROUP), axis=1)
    return sums
