"""Where each code-block is cut: the slope, divided by the block's weight, that fills the bytes.

Post-compression rate-distortion optimization with weights: a block of weight w is cut where its slope
falls below λ/w (Taubman, IEEE TIP 9(7), 2000, section IV; ISO/IEC 15444-1 J.14).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg2000.layered import Layered
from codec.jpeg2000.packet_writer import count_bytes

_FILLED: Final = 0.9985
"""Share of the limit that is enough."""
_TRIALS: Final = 24
_LATE: Final = 48
"""Code-blocks that are tried when the next one of the order does not fit."""
_GOLDEN: Final = (5**0.5 - 1) / 2
_PROGRESSIVE: Final = np.log(4.0) * np.arange(5, -1, -1)
"""Logarithms of λ, over that of the whole file, of the layers of a progressive file: 6 dB each."""


class CutPlan:
    """The layers that each code-block keeps, as a function of λ."""

    def __init__(
        self, layered: Layered, weights: NDArray[np.float64], *, progressive: bool = False
    ) -> None:
        """Plan cuts with weights of squared errors, (blocks,), for one layer or for several."""
        self._layered = layered
        slopes = layered.log_slopes
        # All blocks of one weight would lose a layer at the same λ. Offsets of up to half a layer
        # let them lose it one after the other, evenly over the image.
        steps = np.diff(slopes)
        step = -float(np.median(steps[steps < 0]))
        offsets = (np.arange(len(weights)) * _GOLDEN % 1.0 - 0.5) * step
        self._ranks = np.log(weights) + offsets
        self._falling = -slopes
        self._layers = _PROGRESSIVE if progressive else np.zeros(1)
        self.range = (float(slopes[-1] + self._ranks.min()), float(slopes[0] + self._ranks.max()))
        """Logarithms of λ up to which every block keeps everything, and above which it keeps nothing."""

    def cut(self, log_lambda: float) -> NDArray[np.int64]:
        """Return how many layers each code-block keeps in each layer of the file: (layers, blocks)."""
        slopes = self._ranks - (log_lambda + self._layers)[:, None]
        cuts: NDArray[np.int64] = np.searchsorted(self._falling, slopes, "right")
        return cuts

    def count_bytes(self, cuts: NDArray[np.int64]) -> int:
        """Return the bytes of the packets with these cuts."""
        return count_bytes(self._layered.blocks, self._layered.layout, cuts)

    def list_next(self, cuts: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return blocks with the cuts of their next layers that have bytes, the best first."""
        lengths = self._layered.blocks.lengths
        more = lengths > np.take_along_axis(lengths, cuts[:, None], 1)
        blocks = np.flatnonzero(more.any(1))
        layers = more[blocks].argmax(1)
        order = np.argsort(self._falling[layers - 1] - self._ranks[blocks])
        return list(zip(blocks[order].tolist(), layers[order].tolist(), strict=True))


def find_log_lambda(plan: CutPlan, limit_bytes: int) -> float:
    """Return the logarithm of the smallest λ whose packets take at most `limit_bytes`.

    Where even empty packets take more, it is that of empty packets.
    """
    low, high = plan.range
    if plan.count_bytes(plan.cut(low)) <= limit_bytes:
        return low
    high += 1.0
    for _ in range(_TRIALS):
        middle = (low + high) / 2
        found = plan.count_bytes(plan.cut(middle))
        if found > limit_bytes:
            low = middle
        else:
            high = middle
            if found >= _FILLED * limit_bytes:
                break
    return high


def fill_rest(plan: CutPlan, cuts: NDArray[np.int64], limit_bytes: int) -> NDArray[np.int64]:
    """Return the cuts, with later ones for a few blocks where the limit leaves room for them.

    In small images, the next block of the order may take more than is left. Then others may fit.
    """
    filled = cuts.copy()
    if plan.count_bytes(filled) >= _FILLED * limit_bytes:
        return filled
    for block, layer in plan.list_next(filled[-1])[:_LATE]:
        before = filled[-1, block]
        filled[-1, block] = layer
        found = plan.count_bytes(filled)
        if found > limit_bytes:
            filled[-1, block] = before
        elif found >= _FILLED * limit_bytes:
            break
    return filled
