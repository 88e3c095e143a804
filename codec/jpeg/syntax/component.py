"""A colour component: its coefficients and the weights of its blocks (T.81 A.1.1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LUMA, CHROMA = 0, 1


@dataclass(frozen=True, slots=True)
class Component:
    """Coefficients and weights of one component."""

    kind: int
    """LUMA or CHROMA: selects the quantization and Huffman tables."""
    horizontal: int
    vertical: int
    """Blocks per MCU, the sampling factors of SOF."""
    real_rows: int
    real_columns: int
    """Blocks that hold samples of the image; the others only complete the last MCUs (T.81 A.2.4)."""
    coefs: NDArray[np.float32]
    """(blocks_y, blocks_x, 64) zigzag."""
    block_weights: NDArray[np.float32]
    """(blocks_y, blocks_x): weight of each block's error in quantization; 0 outside the real blocks."""
    salient_shares: NDArray[np.float32]
    """(blocks_y, blocks_x) in [0, 1]: share of each block that belongs to the salient region."""
    visibility: NDArray[np.float32]
    """(blocks_y, blocks_x): weight of each block's error by masking alone; 0 outside the real blocks."""
    steps: NDArray[np.uint16] | None = None
    """(64,) zigzag: quantization steps of the source; None where coefs do not come from a JPEG."""
    repeats: float = 1.0
    """Number of the image's blocks that each block represents: more than 1 in a sample, whose visibility
    is multiplied by it."""
