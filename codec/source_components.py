"""A source's coefficients as the encoder's components, dequantized and no further touched."""

import numpy as np
from numpy.typing import NDArray

from codec.assembly import BlockMap, assemble, map_blocks, mask_blocks, pool_blocks
from codec.chroma import sharpen
from codec.component import CHROMA, LUMA, Component
from codec.dct import transform
from codec.idct import restore
from codec.source import Source
from codec.tuning import Tuning
from codec.weights import weigh_darkness


def split_source(
    source: Source, saliency: NDArray[np.float32] | None, tuning: Tuning, *, subsample: bool
) -> list[Component]:
    """Return the components with their block_weights, Y first.

    Their sampling is the source's. With `subsample` it is 4:2:0: chroma is then the box of samples
    that were clamped as decoders do, but never rounded.
    """
    halves = subsample and len(source.qcoefs) > 1
    across, down = (2, 2) if halves else (source.horizontal, source.vertical)
    grid = (-(-source.height // (8 * down)) * down, -(-source.width // (8 * across)) * across)
    blocks = map_blocks(saliency, tuning, (source.width, source.height), grid)
    components: list[Component] = []
    for i, qcoefs in enumerate(source.qcoefs):
        kind = CHROMA if i else LUMA
        steps = source.quant_tables[i]
        coefs: NDArray[np.float32] = steps.astype(np.float32) * qcoefs
        if kind == LUMA:
            coefs = _fill_grid(coefs, grid)
            dark = weigh_darkness(coefs, tuning.darkness)
        plane = restore(coefs)
        fold = (across // source.horizontal, down // source.vertical)
        if kind == CHROMA and fold != (1, 1):
            components.append(_fold(plane, fold, blocks, dark, tuning))
        else:
            components.append(
                assemble(
                    kind,
                    coefs,
                    mask_blocks(kind, plane, coefs, tuning),
                    blocks,
                    (across, down),
                    dark=dark,
                    steps=steps,
                )
            )
    return components


def _fill_grid(coefs: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.float32]:
    """Return luma's coefs with the blocks that larger MCUs have beyond the image."""
    if coefs.shape[:2] == grid:
        return coefs
    filled = np.zeros((*grid, 64), np.float32)
    filled[: coefs.shape[0], : coefs.shape[1]] = coefs
    return filled


def _fold(
    plane: NDArray[np.float32],
    fold: tuple[int, int],
    blocks: BlockMap,
    dark: NDArray[np.float32],
    tuning: Tuning,
) -> Component:
    """Return the 4:2:0 chroma component of the means of fold[1] × fold[0] samples."""
    rows, columns = blocks.weights.shape
    sides = (rows * 4 * fold[1], columns * 4 * fold[0])
    missing = [(0, whole - side) for whole, side in zip(sides, plane.shape, strict=True)]
    plane = np.pad(np.clip(plane, -128.0, 127.0), missing, mode="edge")
    plane = sharpen(pool_blocks(plane, *fold), across=fold[0] == 2, down=fold[1] == 2)
    coefs = transform(plane)
    masking = mask_blocks(CHROMA, plane, coefs, tuning)
    return assemble(CHROMA, coefs, masking, blocks, (2, 2), dark=dark)
