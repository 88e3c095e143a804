"""A saliency map's weights: from the map to each block's rank by area, and from that to its weight.

Ranks, not values, count because maps differ in contrast and offset: the hottest tenth of the area
gets the same weight whatever the network's output range is. A map that hardly varies says nothing,
so its weights fade out to 1 with its spread.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel

_FULL_SPREAD: Final = 0.05
"""Spread (hottest minus coolest block) below which a map counts less and less."""
_NO_SPREAD: Final = 1e-3
"""Share of `_FULL_SPREAD` that resampling a constant map makes by rounding."""
_SALIENT_RANKS: Final = (0.65, 0.85)
"""Ranks between which a block becomes part of the salient region."""


@kernel
def _pool_axis(samples: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Resample axis 0 to `size` with a triangle filter as wide as the larger of both pitches."""
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
    """Resample a map of any size to (rows, columns)."""
    tall = _pool_axis(np.ascontiguousarray(saliency), rows)
    return np.ascontiguousarray(_pool_axis(np.ascontiguousarray(tall.T), columns).T)


def rank_by_area(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each sample the share of the area that is cooler, ties counted half, in [0, 1]."""
    flat = saliency.ravel()
    order = np.argsort(flat)
    ordered = flat[order]
    # Runs of equal samples share the mean of their ranks.
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = np.append(starts[1:], flat.size)
    ranks = np.empty(flat.size, np.float32)
    ranks[order] = np.repeat((starts + ends) / (2 * flat.size), ends - starts)
    return ranks.reshape(saliency.shape)


def is_flat(saliency: NDArray[np.float32]) -> bool:
    """Return whether a map is the same everywhere, and so says nothing."""
    return float(np.ptp(saliency)) < _NO_SPREAD * _FULL_SPREAD


def weigh_saliency(
    saliency: NDArray[np.float32], rows: int, columns: int, ratio: float, rise: tuple[float, float]
) -> NDArray[np.float32]:
    """Return block_weights (rows, columns) from 1 in the background to `ratio` in the hottest part.

    Args:
        saliency: (h, w) in [0, 1], any size.
        rows: blocks of the image.
        columns: blocks of the image.
        ratio: weight of the hottest blocks, ≥ 1.
        rise: area ranks between which the weight climbs, smoothly and in equal ratios.
    """
    pooled = pool_saliency(saliency, rows, columns)
    contrast = min(float(np.ptp(pooled)) / _FULL_SPREAD, 1.0)
    if contrast < _NO_SPREAD:
        return np.ones((rows, columns), np.float32)
    start, end = rise
    climb = np.clip((rank_by_area(pooled) - start) / (end - start), 0.0, 1.0)
    smooth = climb * climb * (3.0 - 2.0 * climb)
    weights: NDArray[np.float32] = np.power(np.float32(ratio), np.float32(contrast) * smooth)
    return weights


def share_salient(saliency: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Return how far each block belongs to the hottest quarter of the area: (rows, columns).

    The border is soft; where the map says nothing everything is salient.
    """
    pooled = pool_saliency(saliency, rows, columns)
    if is_flat(pooled):
        return np.ones((rows, columns), np.float32)
    start, end = _SALIENT_RANKS
    climb = np.clip((rank_by_area(pooled) - start) / (end - start), 0.0, 1.0)
    shares: NDArray[np.float32] = (climb * climb * (3.0 - 2.0 * climb)).astype(np.float32)
    return shares
