"""The AC scans of progressive files as coefficients, first and refining (T.81 G.1.2.2, G.1.2.3)."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.decode.huffman_decoder import extend, peek, read_symbol
from codec.jpeg.decode.sequential_scan import is_used_up

# Of an 8-bit sample's AC coefficient, whatever scan its bits come in.
_MOST_BITS = 10


@kernel
def read_band(  # noqa: C901, PLR0912, PLR0917 -- one walk; kernels take no keyword-only arguments
    bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    blocks: tuple[int, int, int],
    plane: NDArray[np.int16],
    band: tuple[int, int],
    low_bit: int,
    lookup: NDArray[np.int32],
) -> bool:
    """Fill the zigzag positions `band` of a component's real blocks; return whether all was sound.

    `blocks` are the real rows and columns, and the blocks in an interval.
    """
    rows, columns, interval_blocks = blocks
    at = 0
    interval = 0
    ended = 0
    left = interval_blocks
    for by in range(rows):
        for bx in range(columns):
            if left == 0:
                if ended > 0 or not is_used_up(at, ends[interval]):
                    return False
                at = ends[interval]
                interval += 1
                left = interval_blocks
            left -= 1
            if ended > 0:
                ended -= 1
                continue
            block = plane[by, bx]
            k = band[0]
            while k <= band[1]:
                entry = read_symbol(bits, at, lookup)
                if entry == 0:
                    return False
                at += entry & 31
                run, size = entry >> 9, (entry >> 5) & 15
                if size > 0:
                    k += run
                    if k > band[1] or size + low_bit > _MOST_BITS:
                        return False
                    block[k] = extend(peek(bits, at), size) << low_bit
                    at += size
                    k += 1
                elif run == 15:
                    k += 16
                else:
                    ended = (1 << run) - 1
                    if run > 0:
                        ended += peek(bits, at) >> (16 - run)
                        at += run
                    break
            if at > ends[interval]:
                return False
    return ended == 0 and interval == ends.size - 1 and is_used_up(at, ends[interval])


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
    """Give nonzero coefficients from `k` on their next bit, up to the zero that follows `zeros` others.

    Return the place behind the bits, and that zero's position, past the band where there is none.
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
def refine_band(  # noqa: C901, PLR0917 -- as above
    bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    blocks: tuple[int, int, int],
    plane: NDArray[np.int16],
    band: tuple[int, int],
    low_bit: int,
    lookup: NDArray[np.int32],
) -> bool:
    """Give the positions `band` of a component's real blocks their bit `low_bit`, as `read_band`."""
    rows, columns, interval_blocks = blocks
    at = 0
    interval = 0
    ended = 0
    left = interval_blocks
    for by in range(rows):
        for bx in range(columns):
            if left == 0:
                if ended > 0 or not is_used_up(at, ends[interval]):
                    return False
                at = ends[interval]
                interval += 1
                left = interval_blocks
            left -= 1
            block = plane[by, bx]
            k = band[0]
            while k <= band[1] and ended == 0:
                entry = read_symbol(bits, at, lookup)
                if entry == 0:
                    return False
                at += entry & 31
                run, size = entry >> 9, (entry >> 5) & 15
                if size == 0 and run < 15:
                    ended = 1 << run
                    if run > 0:
                        ended += peek(bits, at) >> (16 - run)
                        at += run
                    break
                value = 0
                if size > 0:
                    value = 1 if peek(bits, at) >> 15 else -1
                    at += 1
                at, k = _correct(bits, at, block, k, band[1], run, low_bit)
                if size > 1 or k > band[1]:
                    return False
                block[k] = value << low_bit
                k += 1
            if ended > 0:
                at, k = _correct(bits, at, block, k, band[1], 64, low_bit)
                ended -= 1
            if at > ends[interval]:
                return False
    return ended == 0 and interval == ends.size - 1 and is_used_up(at, ends[interval])
