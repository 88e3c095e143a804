"""Deringing: clipped samples are moved beyond black or white, where decoders clamp them again.

Text on white takes many bits, because blocks rise steeply to white and stop there. Decoders clamp
samples beyond 0 and 255, so a clipped sample may be stored as any value beyond. Values that need few
coefficients are found by projections onto convex sets (Youla and Webb, IEEE Trans. Medical Imaging
1(2), 1982, with relaxation): coefficients below their step are set to zero, then each sample is moved
back into its allowed range. mozjpeg's overshoot deringing has the same aim; it extends runs of clipped
samples by a curve.
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct_batched import BATCH_BLOCKS, inverse_transform_batch, transform_batch

BLACK, WHITE = -128.0, 127.0
MOST_OVERSHOOT = 60.0
"""Largest distance beyond black or white, in levels. Decoders that average samples before they clamp,
as libjpeg does when it scales, show the surroundings of dark text slightly lighter. Chosen on seven
graphics among 30, 60 and 120 (docs/research/encoder.md)."""

_ROUNDS = 8
_RELAXATION = np.float32(1.5)  # as good as twice the rounds without it
_ROUNDING = 0.01  # largest rounding error of a luma sample computed from black or white
_LARGEST_AC = 1023.0  # of a baseline scan (T.81 F.1.2.2)


@kernel
def _keep_mean(values: NDArray[np.float32]) -> None:
    """Shrink the overshoot of each block until its mean lies between black and white.

    So DC stays in the range of 8-bit samples, and can be coded with any step.
    """
    totals = np.zeros(
        (3, BATCH_BLOCKS), np.float32
    )  # of samples, of overshoot above white and below black
    for i in range(0, 64 * BATCH_BLOCKS, BATCH_BLOCKS):
        for lane in range(BATCH_BLOCKS):
            value = values[i + lane]
            totals[0, lane] += value
            totals[1, lane] += max(value - np.float32(WHITE), np.float32(0.0))
            totals[2, lane] += max(np.float32(BLACK) - value, np.float32(0.0))
    for lane in range(BATCH_BLOCKS):
        lift = totals[0, lane] - np.float32(64 * WHITE)
        drop = np.float32(64 * BLACK) - totals[0, lane]
        if lift > 0:
            share = np.float32(1.0) - lift / totals[1, lane]
            for i in range(lane, 64 * BATCH_BLOCKS, BATCH_BLOCKS):
                beyond = max(values[i] - np.float32(WHITE), np.float32(0.0))
                values[i] = min(values[i], np.float32(WHITE)) + beyond * share
        elif drop > 0:
            share = np.float32(1.0) - drop / totals[2, lane]
            for i in range(lane, 64 * BATCH_BLOCKS, BATCH_BLOCKS):
                beyond = max(np.float32(BLACK) - values[i], np.float32(0.0))
                values[i] = max(values[i], np.float32(BLACK)) - beyond * share


@kernel
def _extend_batch(
    values: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    steps: NDArray[np.float32],
) -> None:
    """Replace a batch of samples by the coefficients of samples between `low` and `high`, also batches.

    `steps` (64,) are those of the coefficients in natural order.
    """
    moved = np.empty(64 * BATCH_BLOCKS, np.float32)
    for _ in range(_ROUNDS):
        for i in range(64 * BATCH_BLOCKS):
            moved[i] = values[i]
        transform_batch(moved)
        for k in range(1, 64):
            for i in range(k * BATCH_BLOCKS, (k + 1) * BATCH_BLOCKS):
                moved[i] = moved[i] if abs(moved[i]) >= steps[k] else np.float32(0.0)
        inverse_transform_batch(moved)
        for i in range(64 * BATCH_BLOCKS):
            value = values[i] + _RELAXATION * (moved[i] - values[i])
            values[i] = min(max(value, low[i]), high[i])
        _keep_mean(values)
    transform_batch(values)


@kernel
def _list_clipped(plane: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (n, 2) rows and columns of the blocks that are black or white in part, not everywhere."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    places = np.empty((rows * columns, 2), np.int64)
    listed = 0
    lows = np.empty(plane.shape[1], np.float32)
    highs = np.empty(plane.shape[1], np.float32)
    for by in range(rows):
        for x in range(plane.shape[1]):
            lows[x] = plane[by * 8, x]
            highs[x] = plane[by * 8, x]
        for y in range(by * 8 + 1, by * 8 + 8):
            for x in range(plane.shape[1]):
                lows[x] = min(lows[x], plane[y, x])
                highs[x] = max(highs[x], plane[y, x])
        for bx in range(columns):
            least = lows[bx * 8]
            most = highs[bx * 8]
            for x in range(bx * 8 + 1, bx * 8 + 8):
                least = min(least, lows[x])
                most = max(most, highs[x])
            is_clipped = most > np.float32(WHITE - _ROUNDING) or least < np.float32(
                BLACK + _ROUNDING
            )
            if is_clipped and most - least > np.float32(1.0):
                places[listed, 0] = by
                places[listed, 1] = bx
                listed += 1
    return places[:listed]


@kernel
def _extend_blocks(
    plane: NDArray[np.float32],
    places: NDArray[np.int64],
    steps: NDArray[np.float32],
    order: NDArray[np.int64],
    coefs: NDArray[np.float32],
) -> None:
    values = np.zeros((64, BATCH_BLOCKS), np.float32)
    low = np.zeros((64, BATCH_BLOCKS), np.float32)
    high = np.zeros((64, BATCH_BLOCKS), np.float32)
    for first in range(0, places.shape[0], BATCH_BLOCKS):
        batch = places[first : first + BATCH_BLOCKS]
        for lane in range(batch.shape[0]):
            top, left = batch[lane, 0] * 8, batch[lane, 1] * 8
            for i in range(64):
                sample = plane[top + i // 8, left + i % 8]
                is_black = sample < np.float32(BLACK + _ROUNDING)
                is_white = sample > np.float32(WHITE - _ROUNDING)
                values[i, lane] = sample
                low[i, lane] = np.float32(BLACK - MOST_OVERSHOOT) if is_black else sample
                high[i, lane] = np.float32(WHITE + MOST_OVERSHOOT) if is_white else sample
        _extend_batch(values.ravel(), low.ravel(), high.ravel(), steps)
        for lane in range(batch.shape[0]):
            largest = np.float32(0.0)
            for k in range(1, 64):
                largest = max(largest, abs(values[k, lane]))
            if largest <= np.float32(_LARGEST_AC):
                for k in range(64):
                    coefs[batch[lane, 0], batch[lane, 1], order[k]] = values[k, lane]


def extend_clipped(
    plane: NDArray[np.float32], quant_table: NDArray[np.uint16], coefs: NDArray[np.float32]
) -> None:
    """Replace the coefficients of the blocks that are partly black or white, in `coefs`.

    Args:
        plane: (h, w) level-shifted samples of luma, sides multiples of 8.
        quant_table: (64,) zigzag, approximately that of the file.
        coefs: (blocks_y, blocks_x, 64) zigzag, those of `plane`.
    """
    places = _list_clipped(plane)
    if places.size:
        steps = quant_table[NATURAL_TO_ZIGZAG].astype(np.float32)
        _extend_blocks(plane, places, steps, NATURAL_TO_ZIGZAG, coefs)
