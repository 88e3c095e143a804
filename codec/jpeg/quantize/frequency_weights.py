"""Weight of a squared error in each coefficient, by its frequency and component.

They start from T.81 Annex K, whose steps were chosen by visibility thresholds. docs/codec.md has the
formula's reasons.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.tuning import Sensitivity
from codec.jpeg.syntax.tables import ANNEX_K_CHROMA, ANNEX_K_LUMA, ZIGZAG_TO_NATURAL

LOW_REACH: Final = 1.5
"""In squared half cycles per block. Below it, errors stay visible at a quarter of the image's size."""
_LOWNESS: Final = np.exp(
    -((ZIGZAG_TO_NATURAL // 8) ** 2 + (ZIGZAG_TO_NATURAL % 8) ** 2) / LOW_REACH
).astype(np.float32)


def shape_table(annex_k: NDArray[np.float32], mix: float) -> NDArray[np.float32]:
    """Return (K / K_0)^mix (64,): the shape of Annex K's table at mix 1, flat at mix 0."""
    shape: NDArray[np.float32] = np.power(annex_k / annex_k[0], np.float32(mix))
    return shape


def weigh_frequencies(
    annex_k: NDArray[np.float32], sensitivity: Sensitivity
) -> NDArray[np.float32]:
    """Return f (64,) zigzag, the weight of a squared error in each coefficient.

    f_k = weight · ((K_0/K_k)^tilt + low · exp(−(u² + v²)/LOW_REACH) + dc · [k = 0]), with the table K
    of Annex K and the frequencies u and v of the coefficient k. The form is this encoder's own.
    """
    plain = shape_table(annex_k, -sensitivity.tilt) + np.float32(sensitivity.low) * _LOWNESS
    plain[0] += np.float32(sensitivity.dc)
    weights: NDArray[np.float32] = np.float32(sensitivity.weight) * plain
    return weights


@lru_cache(maxsize=64)
def list_frequency_weights(
    sensitivities: tuple[Sensitivity, Sensitivity, Sensitivity], components: int
) -> NDArray[np.float32]:
    """Return f (components, 64) of 1 or 3 `components`, Y first; `sensitivities` are of Y, Cb and Cr.

    The array is read-only, since later calls return the same one.
    """
    annex_ks = (ANNEX_K_LUMA, ANNEX_K_CHROMA, ANNEX_K_CHROMA)
    pairs = list(zip(annex_ks, sensitivities, strict=True))[:components]
    weights = np.array([weigh_frequencies(*pair) for pair in pairs])
    weights.flags.writeable = False
    return weights
