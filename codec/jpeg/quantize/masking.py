"""Weight of an error in each block by the block's own content: its activity and its brightness."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.tables import ANNEX_K_LUMA, ZIGZAG_TO_NATURAL

_IS_AC: Final = np.array([0] + [1] * 63, np.float32)
ACTIVITY_SENSITIVITIES: Final = np.square(np.float32(16.0) / ANNEX_K_LUMA) * _IS_AC
"""(64,) zigzag: sensitivity of the eye to each AC coefficient's energy, from table K.1 of T.81."""
_DARK_LEVEL: Final = 50.0  # 8-bit level at which the weight of darkness has fallen to 1/e


def _list_step_responses() -> NDArray[np.float32]:
    """Return the inner products of each coefficient with three step functions: (3, 64) zigzag.

    The functions are +1/8 on one half of a block and −1/8 on the other: left and right, top and bottom,
    equal and unequal quarters. With the mean they span all blocks whose quarters are flat.
    """
    samples = np.arange(8)
    waves = np.sqrt(2 / 8) * np.cos(np.outer(np.arange(8), 2 * samples + 1) * np.pi / 16)
    waves[0] = np.sqrt(1 / 8)
    steps = waves @ np.where(samples < 4, 1.0, -1.0) / np.sqrt(8)
    flat = np.eye(8)[0]
    natural = [np.outer(v, u).ravel() for v, u in ((flat, steps), (steps, flat), (steps, steps))]
    return np.array([row[ZIGZAG_TO_NATURAL] for row in natural], np.float32)


_STEP_RESPONSES: Final = _list_step_responses()


@kernel
def _measure_activity(
    coefs: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    is_ac: NDArray[np.float32],
    step_responses: NDArray[np.float32],
) -> NDArray[np.float32]:
    across, down, diagonal = step_responses[0], step_responses[1], step_responses[2]
    activity = np.empty(coefs.shape[:2], np.float32)
    for by in range(coefs.shape[0]):
        for bx in range(coefs.shape[1]):
            block = coefs[by, bx]
            seen = np.float32(0.0)
            whole = np.float32(0.0)
            x = np.float32(0.0)
            y = np.float32(0.0)
            xy = np.float32(0.0)
            for k in range(64):
                square = block[k] * block[k]
                seen += square * sensitivities[k]
                whole += square * is_ac[k]
                x += block[k] * across[k]
                y += block[k] * down[k]
                xy += block[k] * diagonal[k]
            within = whole - (x * x + y * y + xy * xy)
            share = within / whole if whole > np.float32(64.0) else np.float32(1.0)
            activity[by, bx] = seen * min(max(share, np.float32(0.02)), np.float32(1.0))
    return activity


def measure_activity(coefs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the activity (blocks_y, blocks_x): weighted AC energy, reduced where it is an edge.

    The factor is the variance within the block's quarters over that of the whole block, 0.02 to 1: near
    1 for texture, which hides errors, and near 0 for an edge, next to which errors are visible. This is
    the between-coefficient masking of Ponomarenko et al., "On between-coefficient contrast masking of
    DCT basis functions" (VPQM 2007), before its square root. Both variances follow from the coefficients
    (Parseval's theorem).
    """
    return _measure_activity(coefs, ACTIVITY_SENSITIVITIES, _IS_AC, _STEP_RESPONSES)


def weigh_masking(
    activity: NDArray[np.float32], exponent: float, floor: float
) -> NDArray[np.float32]:
    """Return weights (activity / floor + 1)^−exponent, since activity hides errors."""
    # NumPy has vector instructions for these two, but not for a power.
    masking: NDArray[np.float32] = np.exp(
        np.float32(-exponent) * np.log(activity * np.float32(1.0 / floor) + np.float32(1.0))
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
