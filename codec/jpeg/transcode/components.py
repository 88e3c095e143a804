"""A source's dequantized coefficients as the encoder's components."""

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.coefficients import Source
from codec.jpeg.quantize.block_weights import (
    BlockMap,
    assemble,
    map_blocks,
    mask_blocks,
    pool_blocks,
)
from codec.jpeg.quantize.masking import weigh_darkness
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.transform.chroma_resampling import sharpen
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.idct import inverse_transform


def split_source(
    source: Source,
    saliency: NDArray[np.float32] | None,
    tuning: Tuning,
    *,
    subsample: bool,
) -> list[Component]:
    """Return the components with their block_weights, Y first.

    Their sampling is the source's; with `subsample` it is 4:2:0. Chroma that is subsampled goes by way
    of samples, which are clamped as in a decoder but not rounded.
    """
    becomes_420 = subsample and len(source.qcoefs) > 1
    across, down = (2, 2) if becomes_420 else (source.horizontal, source.vertical)
    grid = (-(-source.height // (8 * down)) * down, -(-source.width // (8 * across)) * across)
    blocks = map_blocks(saliency, tuning, (source.width, source.height), grid)
    factors = (across // source.horizontal, down // source.vertical)
    # The number of components whose coefs are the source's.
    kept = len(source.qcoefs) if factors == (1, 1) else 1
    grids = [grid, *(own.shape[:2] for own in source.qcoefs[1:kept])]
    coefs = [np.empty((*sides, 64), np.float32) for sides in grids]
    for own, qcoefs, steps in zip(coefs, source.qcoefs, source.quant_tables, strict=False):
        _fill_grid(own, qcoefs, steps)
    dark = weigh_darkness(coefs[0], tuning.darkness)
    components = []
    for i, own in enumerate(coefs):
        kind = CHROMA if i else LUMA
        masking = mask_blocks(kind, own, tuning)
        steps = source.quant_tables[i]
        components.append(
            assemble(kind, own, masking, blocks, (across, down), dark=dark, steps=steps)
        )
    for qcoefs, steps in zip(source.qcoefs[kept:], source.quant_tables[kept:], strict=True):
        plane = inverse_transform(steps.astype(np.float32) * qcoefs)
        components.append(_subsample(plane, factors, blocks, dark, tuning))
    return components


def _fill_grid(
    coefs: NDArray[np.float32], qcoefs: NDArray[np.int16], steps: NDArray[np.uint16]
) -> None:
    """Dequantize into `coefs`; blocks beyond `qcoefs`, which complete larger MCUs, are 0."""
    rows, columns = qcoefs.shape[:2]
    np.multiply(steps.astype(np.float32), qcoefs, out=coefs[:rows, :columns])
    coefs[rows:] = 0
    coefs[:, columns:] = 0


def _subsample(
    plane: NDArray[np.float32],
    factors: tuple[int, int],
    blocks: BlockMap,
    dark: NDArray[np.float32],
    tuning: Tuning,
) -> Component:
    """Return the 4:2:0 component of a chroma plane; `factors`, each 1 or 2, are those across and down."""
    rows, columns = blocks.weights.shape
    sides = (rows * 4 * factors[1], columns * 4 * factors[0])
    missing = [(0, whole - side) for whole, side in zip(sides, plane.shape, strict=True)]
    plane = np.pad(np.clip(plane, -128.0, 127.0), missing, mode="edge")
    plane = sharpen(pool_blocks(plane, *factors), across=factors[0] == 2, down=factors[1] == 2)
    coefs = transform(plane)
    masking = mask_blocks(CHROMA, coefs, tuning)
    return assemble(CHROMA, coefs, masking, blocks, (2, 2), dark=dark)
