"""What an error in each block counts: saliency by area rank, and masking by the block's own energy.

Saliency counts by rank because maps differ in contrast and offset: the hottest tenth of the area
gets the same weight whatever the network's output range is. A map that hardly varies says nothing,
so its weights fade out to 1 with its spread.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.syntax.tables import ANNEX_K_LUMA

# Spread (hottest minus coolest block) below which a map counts less and less.
_FULL_SPREAD = 0.05
# Of the eye to each coefficient's energy, as in K.1.
ACTIVITY_SENSITIVITIES: Final = (16.0 / ANNEX_K_LUMA) ** 2
_DARK_LEVEL = 50.0
_SALIENT_RANKS = (0.65, 0.85)
_NO_SPREAD = 1e-3  # share of it that resampling a constant map makes by rounding


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


@inlined
def find_activity(
    plane: NDArray[np.float32],
    top: int,
    left: int,
    block: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
) -> np.float32:
    """Return the activity of a block (64,), whose samples begin at `top` and `left` of `plane`."""
    seen = np.float32(0.0)
    for k in range(1, 64):
        seen += block[k] * block[k] * sensitivities[k]
    total = np.float32(0.0)
    between = np.float32(0.0)
    within = np.float32(0.0)
    for quarter in range(4):
        first = top + quarter // 2 * 4
        start = left + quarter % 2 * 4
        sums = np.float32(0.0)
        squares = np.float32(0.0)
        for y in range(first, first + 4):
            for x in range(start, start + 4):
                sums += plane[y, x]
                squares += plane[y, x] * plane[y, x]
        total += sums
        between += squares
        within += squares - sums * sums * np.float32(1 / 16)
    whole = between - total * total * np.float32(1 / 64)
    share = within / whole if whole > np.float32(64.0) else np.float32(1.0)
    if share < np.float32(0.02):
        share = np.float32(0.02)
    elif share > np.float32(1.0):
        share = np.float32(1.0)
    return seen * share


@kernel
def _measure_activity(
    plane: NDArray[np.float32], coefs: NDArray[np.float32], sensitivities: NDArray[np.float32]
) -> NDArray[np.float32]:
    activity = np.empty(coefs.shape[:2], np.float32)
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            activity[by, bx] = find_activity(plane, by * 8, bx * 8, coefs[by, bx], sensitivities)
    return activity


def measure_activity(plane: NDArray[np.float32], coefs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what each block can hide: its AC energy as seen, less where it lies in one place.

    The share that stays is the variance within the block's quarters over that of the whole block:
    near 1 for texture, near 0 for an edge, beside which errors are seen.
    """
    return _measure_activity(plane, coefs, ACTIVITY_SENSITIVITIES)


def weigh_masking(
    activity: NDArray[np.float32], exponent: float, floor: float
) -> NDArray[np.float32]:
    """Return block_weights (activity / floor + 1)^−exponent: errors hide where a block is busy.

    Activity is the between-coefficient masking of Ponomarenko et al., "On between-coefficient
    contrast masking of DCT basis functions" (VPQM 2007), before its square root.
    """
    masking: NDArray[np.float32] = np.power(
        activity / np.float32(floor) + np.float32(1.0), np.float32(-exponent)
    )
    return masking


def weigh_darkness(coefs: NDArray[np.float32], darkness: float) -> NDArray[np.float32]:
    """Return block_weights from 1 + `darkness` in black to 1 in what is brighter, by luma's DC.

    sRGB's curve is flatter than the eye's response near black: equal errors are seen better there.
    """
    level = np.maximum(coefs[..., 0] * np.float32(0.125) + np.float32(128.0), 0.0)
    weights: NDArray[np.float32] = 1.0 + np.float32(darkness) * np.exp(
        -np.square(level / np.float32(_DARK_LEVEL))
    )
    return weights.astype(np.float32)


def normalize_weights(weights: NDArray[np.float32], rows: int, columns: int) -> None:
    """Scale `weights` in place to a geometric mean of 1 over the real blocks and zero the others."""
    real = weights[:rows, :columns]
    real /= np.exp(np.mean(np.log(real)))
    weights[rows:] = 0
    weights[:, columns:] = 0
