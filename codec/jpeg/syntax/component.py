"""One colour component on its way through the encoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LUMA, CHROMA = 0, 1


@dataclass(frozen=True, slots=True)
class Component:
    """Coefficients and weights of one component (T.81 A.1.1)."""

    kind: int
    """LUMA or CHROMA: selects the quantization and Huffman tables."""
    horizontal: int
    vertical: int
    """Blocks per MCU, the sampling factors of SOF."""
    real_rows: int
    real_columns: int
    """Blocks that hold samples of the image; the others only complete the last MCUs."""
    coefs: NDArray[np.float32]
    """(blocks_y, blocks_x, 64) zigzag."""
    block_weights: NDArray[np.float32]
    """(blocks_y, blocks_x), 0 beyond the real blocks."""
    salient_shares: NDArray[np.float32]
    """(blocks_y, blocks_x) in [0, 1]: how much of a block counts as the salient region."""
    visibility: NDArray[np.float32]
    """(blocks_y, blocks_x): what an error counts that the block hides in part; 0 beyond the real blocks."""
    steps: NDArray[np.uint16] | None = None
    """(64,) zigzag: the coefs are multiples of these, those of the JPEG that they come from."""
