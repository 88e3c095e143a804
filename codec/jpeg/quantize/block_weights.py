"""Weights of each block from the saliency map and from masking, and the components that hold them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.masking import (
    measure_activity,
    normalize_weights,
    weigh_masking,
)
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.transform.chroma_resampling import halve
from codec.saliency_weights import rank_blocks, share_salient, weigh_saliency


class BlockMap(NamedTuple):
    """A saliency map as weights of luma's blocks; blocks that only complete MCUs are included."""

    rows: int
    """Blocks that hold samples of the image."""
    columns: int
    weights: NDArray[np.float32]
    """(blocks_y, blocks_x) from 1 to the tuning's `saliency_ratio`."""
    salient: NDArray[np.float32]
    """(blocks_y, blocks_x) in [0, 1]: share of each block that belongs to the salient region."""


def map_blocks(
    saliency: NDArray[np.float32] | None,
    tuning: Tuning,
    size_px: tuple[int, int],
    grid: tuple[int, int],
) -> BlockMap:
    """Return the map on a `grid` of (rows, columns) of blocks; `size_px` is (width, height)."""
    columns, rows = (-(-side // 8) for side in size_px)
    weights = np.ones(grid, np.float32)
    salient = np.ones(grid, np.float32)
    if saliency is not None:
        ranked = rank_blocks(saliency, rows, columns)
        rise = (tuning.rise_from, tuning.rise_to)
        weights[:rows, :columns] = weigh_saliency(ranked, tuning.saliency_ratio, rise)
        salient[:rows, :columns] = share_salient(ranked)
    return BlockMap(rows, columns, weights, salient)


def mask_blocks(kind: int, coefs: NDArray[np.float32], tuning: Tuning) -> NDArray[np.float32]:
    """Return the weight by masking (blocks_y, blocks_x) of each block of a component."""
    exponent = tuning.masking if kind == LUMA else tuning.chroma_masking
    return weigh_masking(measure_activity(coefs), exponent, tuning.masking_floor)


def assemble(
    kind: int,
    coefs: NDArray[np.float32],
    masking: NDArray[np.float32],
    blocks: BlockMap,
    sampling: tuple[int, int],
    *,
    dark: NDArray[np.float32],
    steps: NDArray[np.uint16] | None = None,
) -> Component:
    """Return a component with the weights of its blocks.

    Args:
        kind: LUMA or CHROMA.
        coefs: (blocks_y, blocks_x, 64) zigzag, padded to whole MCUs.
        masking: (blocks_y, blocks_x), the result of `mask_blocks`.
        blocks: the map on luma's blocks.
        sampling: luma blocks across and down for each block of chroma.
        dark: weights of luma's blocks by brightness, the result of `weigh_darkness`.
        steps: see Component.
    """
    across, down = (1, 1) if kind == LUMA else sampling
    weights = pool_blocks(blocks.weights, across, down)
    visibility = masking * pool_blocks(dark, across, down)
    weights *= visibility
    real = (-(-blocks.rows // down), -(-blocks.columns // across))
    normalize_weights(weights, *real)
    visibility[real[0] :] = 0
    visibility[:, real[1] :] = 0
    salient = pool_blocks(blocks.salient, across, down)
    factors = (1, 1) if kind == CHROMA else sampling
    return Component(kind, *factors, *real, coefs, weights, salient, visibility, steps)


def pool_blocks(grid: NDArray[np.float32], across: int, down: int) -> NDArray[np.float32]:
    """Return a new array of the means of `down` × `across` entries, each 1 or 2."""
    if across == down == 2:
        return halve(grid)
    if across == down == 1:
        return grid.copy()
    pairs = (grid[:, ::2], grid[:, 1::2]) if across == 2 else (grid[::2], grid[1::2])
    return np.ascontiguousarray((pairs[0] + pairs[1]) * np.float32(0.5))
