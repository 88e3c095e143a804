"""The AC scans of progressive files as coefficients, first and refining (T.81 G.1.2.2, G.1.2.3)."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel
from codec.jpeg.decode.huffman_decoder import extend, peek, read_symbol
from codec.jpeg.decode.restart_intervals import enter_unit, is_used_up

_MOST_BITS = 10  # of an AC coefficient of 8-bit samples, those of all scans together


@inlined
def _read_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    bits: NDArray[np.uint8],
    at: int,
    block: NDArray[np.int16],
    band: tuple[int, int],
    low_bit: int,
    lookup: NDArray[np.int32],
) -> tuple[int, int]:
    """Fill the positions `band` of a block (64,) from a first scan.

    Return the position behind its bits, −1 where they are invalid, and the number of blocks that
    its EOB run still covers.
    """
    k = band[0]
    while k <= band[1]:
        entry = read_symbol(bits, at, lookup)
        if entry == 0:
            return -1, 0
        at += entry & 31
        run, size = entry >> 9, (entry >> 5) & 15
        if size > 0:
            k += run
            if k > band[1] or size + low_bit > _MOST_BITS:
                return -1, 0
            block[k] = extend(peek(bits, at), size) << low_bit
            at += size
            k += 1
        elif run == 15:
            k += 16
        else:
            at, ended = _read_end_of_band(bits, at, run)
            return at, ended - 1
    return at, 0


@inlined
def _refine_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    bits: NDArray[np.uint8],
    at: int,
    block: NDArray[np.int16],
    band: tuple[int, int],
    low_bit: int,
    ended: int,
    lookup: NDArray[np.int32],
) -> tuple[int, int]:
    """Give the positions `band` of a block (64,) their bit `low_bit`, from a refining scan.

    `ended` is the number of blocks left in the current EOB run, this one included. The result is
    that of `_read_block`.
    """
    k = band[0]
    while k <= band[1] and ended == 0:
        entry = read_symbol(bits, at, lookup)
        if entry == 0:
            return -1, 0
        at += entry & 31
        run, size = entry >> 9, (entry >> 5) & 15
        if size == 0 and run < 15:
            at, ended = _read_end_of_band(bits, at, run)
            break
        value = 0
        if size > 0:
            value = 1 if peek(bits, at) >> 15 else -1
            at += 1
        at, k = _correct(bits, at, block, k, band[1], run, low_bit)
        if size > 1 or k > band[1]:
            return -1, 0
        block[k] = value << low_bit
        k += 1
    if ended > 0:
        at, k = _correct(bits, at, block, k, band[1], 64, low_bit)
        ended -= 1
    return at, ended


@kernel
def _read_end_of_band(bits: NDArray[np.uint8], at: int, run: int) -> tuple[int, int]:
    """Return the position behind the appended bits of EOBn, n = `run`, and the blocks of its EOB run."""
    ended = 1 << run
    if run > 0:
        ended += peek(bits, at) >> (16 - run)
    return at + run, ended


@kernel
def _correct(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    bits: NDArray[np.uint8],
    at: int,
    block: NDArray[np.int16],
    k: int,
    band_end: int,
    zeros: int,
    low_bit: int,
) -> tuple[int, int]:
    """Correct the nonzero coefficients from `k` on, each by one bit; skip `zeros` zero coefficients.

    Return the position behind the bits, and that of the next zero coefficient, `band_end` + 1 where
    the band has no more.
    """
    while k <= band_end:
        value = block[k]
        if value == 0:
            if zeros == 0:
                break
            zeros -= 1
        else:
            if peek(bits, at) >> 15:
                block[k] = value + (1 << low_bit) if value > 0 else value - (1 << low_bit)
            at += 1
        k += 1
    return at, k


@kernel
def read_band(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    blocks: tuple[int, int, int],
    plane: NDArray[np.int16],
    band: tuple[int, int],
    low_bit: int,
    high_bit: int,
    lookup: NDArray[np.int32],
) -> bool:
    """Read an AC scan of one component into `plane`; return whether the scan was valid.

    Args:
        bits: the scan's bytes, as `unstuff` returns them.
        ends: positions of the intervals' ends, as `unstuff` returns them.
        blocks: real rows and columns of blocks, and blocks in a restart interval.
        plane: qcoefs (blocks_y, blocks_x, 64) zigzag.
        band: first and last zigzag position of the scan.
        low_bit: Al of T.81 B.2.3.
        high_bit: Ah: other than 0 in a refining scan.
        lookup: (LOOKUP_SIZE,) of the scan's Huffman table.
    """
    rows, columns, interval_blocks = blocks
    at, interval, left = 0, 0, interval_blocks
    ended = 0  # blocks left in the current EOB run
    for by in range(rows):
        for bx in range(columns):
            if left == 0 and ended > 0:
                return False
            at, interval, left = enter_unit(at, interval, left, interval_blocks, ends)
            if at < 0:
                return False
            if high_bit > 0:
                at, ended = _refine_block(bits, at, plane[by, bx], band, low_bit, ended, lookup)
            elif ended > 0:
                ended -= 1
            else:
                at, ended = _read_block(bits, at, plane[by, bx], band, low_bit, lookup)
            if at < 0 or at > ends[interval]:
                return False
    return ended == 0 and interval == ends.size - 1 and is_used_up(at, ends[interval])
