"""Weight of an error in each block by the block's own content: its activity and its brightness."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.syntax.tables import ANNEX_K_LUMA

ACTIVITY_SENSITIVITIES: Final = (16.0 / ANNEX_K_LUMA) ** 2
"""(64,) zigzag: sensitivity of the eye to each coefficient's energy, from table K.1 of T.81."""
_DARK_LEVEL: Final = 50.0  # 8-bit level at which the weight of darkness has fallen to 1/e


@inlined
def find_activity(
    plane: NDArray[np.float32],
    top: int,
    left: int,
    block: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
) -> np.float32:
    """Return the activity of a block: coefficients (64,) and samples from (`top`, `left`) of `plane`."""
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
    """Return the activity (blocks_y, blocks_x): weighted AC energy, reduced where it is an edge.

    The factor is the variance within the block's quarters over that of the whole block, 0.02 to 1: near
    1 for texture, which hides errors, and near 0 for an edge, next to which errors are visible. This is
    the between-coefficient masking of Ponomarenko et al., "On between-coefficient contrast masking of
    DCT basis functions" (VPQM 2007), before its square root.
    """
    return _measure_activity(plane, coefs, ACTIVITY_SENSITIVITIES)


def weigh_masking(
    activity: NDArray[np.float32], exponent: float, floor: float
) -> NDArray[np.float32]:
    """Return weights (activity / floor + 1)^−exponent, since activity hides errors."""
    masking: NDArray[np.float32] = np.power(
        activity / np.float32(floor) + np.float32(1.0), np.float32(-exponent)
    )
    return masking


def weigh_darkness(coefs: NDArray[np.float32], darkness: float) -> NDArray[np.float32]:
    """Return weights from 1 + `darkness` in black to 1 in bright blocks, by luma's DC.

    Near black sRGB's curve is flatter than the eye's response, so that equal errors are more visible.
    """
    level = np.maximum(coefs[..., 0] * np.float32(0.125) + np.float32(128.0), 0.0)
    weights: NDArray[np.float32] = 1.0 + np.float32(darkness) * np.exp(
        -np.square(level / np.float32(_DARK_LEVEL))
    )
    return weights.astype(np.float32)


def normalize_weights(weights: NDArray[np.float32], rows: int, columns: int) -> None:
    """Scale `weights` in place to a geometric mean of 1 over the real blocks; set the others to 0."""
    real = weights[:rows, :columns]
    real /= np.exp(np.mean(np.log(real)))
    weights[rows:] = 0
    weights[:, columns:] = 0
