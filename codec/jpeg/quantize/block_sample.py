"""An evenly spread sample of an image's blocks, and its quantization."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.quantize.distortion import add_block_errors
from codec.jpeg.quantize.rdoq import bound_rates, tabulate_rates
from codec.jpeg.quantize.trellis import decide_block
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES

LEAST_BLOCKS: Final = 3000
"""Least blocks of a sample; of smaller images, all blocks are used.

Bytes estimated from 3,000 blocks deviate by 1 % (standard deviation over 15 photos of OSIE,
docs/research/encoder.md)."""
_STRIDES: Final = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
_SHIFTS: Final = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
_LARGEST_LEVEL: Final = 7
_ROUGH_LEVELS: Final = 3


class Lattice(NamedTuple):
    """One block in `stride` of each row is drawn; from row to row the first one moves by `shift`.

    The shift is the Fibonacci number before the stride. The points of such a lattice lie far apart, so
    that edges in a photo rarely follow its rows.
    """

    stride: int
    shift: int


def choose_lattice(components: Sequence[Component], *, is_rough: bool = False) -> Lattice:
    """Return the lattice that draws at least LEAST_BLOCKS blocks, or all blocks if there are fewer.

    A rough one draws about a quarter of them, but all blocks of a small image too.
    """
    blocks = sum(component.real_rows * component.real_columns for component in components)
    level = sum(blocks >= LEAST_BLOCKS * stride for stride in _STRIDES[1 : _LARGEST_LEVEL + 1])
    if is_rough and blocks >= LEAST_BLOCKS:
        level += _ROUGH_LEVELS
    return Lattice(_STRIDES[level], _SHIFTS[level])


@kernel
def quantize_sample(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    block_weights: NDArray[np.float32],
    salient_shares: NDArray[np.float32],
    visibility: NDArray[np.float32],
    real_rows: int,
    real_columns: int,
    vertical: int,
    horizontal: int,
    stride: int,
    shift: int,
    steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    rates: NDArray[np.float32],
    sensitivities: NDArray[np.float32],
    dc_counts: NDArray[np.int64],
    ac_counts: NDArray[np.int64],
    totals: NDArray[np.float64],
) -> int:
    """Quantize the real blocks of a lattice (`Lattice`), and return their number.

    Their symbols are added to `dc_counts` and `ac_counts` (256,), and their errors to `totals` (4,). The
    arguments are those of `quantize_ac` and `add_block_errors`. DC differences are those of an
    interleaved scan, with `vertical`×`horizontal` blocks per MCU.
    """
    bits = tabulate_rates(rates)
    bounds = bound_rates(bits)
    inverse_steps = np.float32(1.0) / steps
    magnitudes = np.empty(64, np.float32)
    positions = np.empty(64, np.uint8)
    origins = np.empty(64, np.uint8)
    values = np.empty(64, np.int16)
    costs = np.empty(64, np.float32)
    least = np.empty(64, np.float32)
    stored = np.empty(64, np.int16)
    drawn = 0
    for by in range(real_rows):
        for bx in range(by * shift % stride, real_columns, stride):
            drawn += 1
            block = coefs[by, bx]
            value = int(np.rint(block[0] * inverse_steps[0]))
            before = _find_dc_before(coefs, by, bx, real_rows, real_columns, vertical, horizontal)
            difference = value - int(np.rint(before * inverse_steps[0]))
            dc_counts[SIZES[abs(difference)]] += 1
            stored[0] = value
            decide_block(
                block,
                block_weights[by, bx],
                inverse_steps,
                distortion_scales,
                bits,
                bounds,
                rates[END_OF_BLOCK],
                magnitudes,
                positions,
                origins,
                values,
                costs,
                least,
                stored,
                ac_counts,
            )
            add_block_errors(
                block,
                stored,
                steps,
                sensitivities,
                visibility[by, bx],
                salient_shares[by, bx],
                totals,
            )
    return drawn


@inlined
def _find_dc_before(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    by: int,
    bx: int,
    real_rows: int,
    real_columns: int,
    vertical: int,
    horizontal: int,
) -> np.float32:
    """Return the DC of the block before this one in an interleaved scan, or of one near that."""
    top, left = by - by % vertical, bx - bx % horizontal
    part = (by - top) * horizontal + bx - left - 1
    if part < 0:  # the first block of an MCU follows the last one of the MCU to the left
        part += vertical * horizontal
        left -= horizontal
    row = min(top + part // horizontal, real_rows - 1)
    column = min(max(left + part % horizontal, 0), real_columns - 1)
    return coefs[row, column, 0]  # type: ignore[no-any-return]
