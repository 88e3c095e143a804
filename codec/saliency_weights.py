"""Weights of blocks from a saliency map: the map is resampled, ranked by area and mapped to weights.

Weights depend on ranks, not on values, because maps differ in contrast and offset: the most salient
tenth of the area has the same weight for every network. A map that hardly varies carries no
information, so weights approach 1 as its spread falls.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel

_FULL_SPREAD: Final = 0.05
"""Spread (largest minus smallest value of a block) below which weights approach 1."""
_NO_SPREAD: Final = 1e-3
"""Share of `_FULL_SPREAD` below which a map counts as constant, since resampling has rounding errors."""
_SALIENT_RANKS: Final = (0.65, 0.85)
"""Ranks between which a block's share in the salient region rises from 0 to 1."""


@kernel
def _pool_axis(samples: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Resample axis 0 to `size` by a triangle filter, whose half width is the larger of the two pitches."""
    length = samples.shape[0]
    pitch = length / size
    reach = max(pitch, 1.0)
    pooled = np.zeros((size, samples.shape[1]), np.float32)
    for i in range(size):
        centre = (i + 0.5) * pitch - 0.5
        total = np.float32(0.0)
        for j in range(int(np.ceil(centre - reach)), int(np.floor(centre + reach)) + 1):
            tap = np.float32(1.0 - abs(j - centre) / reach)
            source = min(max(j, 0), length - 1)
            total += tap
            for x in range(samples.shape[1]):
                pooled[i, x] += tap * samples[source, x]
        for x in range(samples.shape[1]):
            pooled[i, x] /= total
    return pooled


def pool_saliency(saliency: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Return a map (h, w) of any size resampled to (rows, columns)."""
    tall = _pool_axis(np.ascontiguousarray(saliency), rows)
    return np.ascontiguousarray(_pool_axis(np.ascontiguousarray(tall.T), columns).T)


def rank_by_area(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each sample the share of smaller ones, in [0, 1]; equal samples count half.

    The largest samples have rank 1: no area is too large to be the most salient one. Samples near the
    largest or the smallest count as equal to it, since resampling has rounding errors.
    """
    flat = saliency.flatten()
    lowest, highest = flat.min(), flat.max()
    flat[flat < lowest + _NO_SPREAD * _FULL_SPREAD] = lowest
    flat[flat > highest - _NO_SPREAD * _FULL_SPREAD] = highest
    order = np.argsort(flat)
    ordered = flat[order]
    # Runs of equal samples share the mean of their ranks.
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.append(starts[1:], flat.size)
    ranks = np.empty(flat.size, np.float32)
    ranks[order] = np.repeat((starts + ends) / (2 * flat.size), ends - starts)
    ranks[flat == highest] = 1.0
    return ranks.reshape(saliency.shape)


def is_flat(saliency: NDArray[np.float32]) -> bool:
    """Return whether a map is constant, and so carries no information."""
    return float(np.ptp(saliency)) < _NO_SPREAD * _FULL_SPREAD


class RankedBlocks(NamedTuple):
    """A map on the block grid, as ranks."""

    ranks: NDArray[np.float32]
    """(rows, columns) in [0, 1], by `rank_by_area`; 1 everywhere in a constant map."""
    contrast: float
    """0 for a constant map, 1 for one that varies enough."""


def rank_blocks(saliency: NDArray[np.float32], rows: int, columns: int) -> RankedBlocks:
    """Return a map (h, w) of any size in [0, 1] as ranks of rows × columns blocks."""
    pooled = pool_saliency(saliency, rows, columns)
    if is_flat(pooled):
        return RankedBlocks(np.ones((rows, columns), np.float32), 0.0)
    contrast = min(float(np.ptp(pooled)) / _FULL_SPREAD, 1.0)
    return RankedBlocks(rank_by_area(pooled), contrast)


def weigh_saliency(
    ranked: RankedBlocks, ratio: float, rise: tuple[float, float]
) -> NDArray[np.float32]:
    """Return weights (rows, columns) from 1 in the background to `ratio` in the most salient part.

    Args:
        ranked: the map.
        ratio: weight of the most salient blocks, ≥ 1.
        rise: ranks between which the logarithm of the weight rises, by a smoothstep.
    """
    exponents = np.float32(ranked.contrast * np.log(ratio)) * _rise(ranked.ranks, *rise)
    weights: NDArray[np.float32] = np.exp(exponents)
    return weights


def share_salient(ranked: RankedBlocks) -> NDArray[np.float32]:
    """Return each block's share in the salient region, the top quarter by area: (rows, columns).

    Shares lie in [0, 1], with a soft border. All blocks that are as salient as the most salient one
    belong to the region, so that of a constant map, all shares are 1.
    """
    return _rise(ranked.ranks, *_SALIENT_RANKS)


def _rise(ranks: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    """Return the smoothstep of `ranks`, which rises from 0 at `start` to 1 at `end`."""
    position = np.clip((ranks - start) / (end - start), 0.0, 1.0)
    smooth: NDArray[np.float32] = position * position * (3.0 - 2.0 * position)
    return smooth
