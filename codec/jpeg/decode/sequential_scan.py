"""Sequential scans, and DC scans of progressive files, as coefficients (T.81 F.2, G.1.2.1, G.2)."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.decode.huffman_decoder import extend, find_symbol, peek, read_symbol
from codec.jpeg.decode.restart_intervals import enter_unit, is_used_up

# Size categories of 8-bit samples (T.81 F.1.2.1.1, F.1.2.2.1), and the bound of a DC coefficient.
_MOST_DC_BITS, _MOST_AC_BITS = 11, 10
LARGEST_DC = 1024

Plane = NDArray[np.int16]
Planes = tuple[Plane, Plane, Plane, Plane]


@kernel
def _read_dc(
    bits: NDArray[np.uint8], at: int, lookup: NDArray[np.int32], previous: int, low_bit: int
) -> tuple[int, int]:
    """Return the position behind a DC difference, −1 where it is invalid, and the DC value."""
    entry = read_symbol(bits, at, lookup)
    size = entry >> 5
    if entry == 0 or size > _MOST_DC_BITS:
        return -1, 0
    at += entry & 31
    value = previous + extend(peek(bits, at), size)
    if not -LARGEST_DC <= value << low_bit < LARGEST_DC:
        return -1, 0
    return at + size, value


@kernel
def _load_word(bits: NDArray[np.uint8], byte: int) -> np.uint64:
    """Return the four bytes from `byte` on."""
    high = (np.uint64(bits[byte]) << np.uint64(8)) | np.uint64(bits[byte + 1])
    low = (np.uint64(bits[byte + 2]) << np.uint64(8)) | np.uint64(bits[byte + 3])
    return (high << np.uint64(16)) | low


@kernel
def _read_ac(
    bits: NDArray[np.uint8], at: int, lookup: NDArray[np.int32], block: NDArray[np.int16]
) -> int:
    """Fill a block's AC coefficients; return the position behind them, −1 where they are invalid."""
    # The next bits, from the highest on. Loading them anew for each symbol would take longer than the rest.
    byte = (at >> 3) + 8
    loaded = (_load_word(bits, byte - 8) << np.uint64(32)) | _load_word(bits, byte - 4)
    loaded <<= np.uint64(at & 7)
    left = 64 - (at & 7)
    k = 1
    while k < 64:
        if left < 32:  # a symbol takes up to 26
            loaded |= _load_word(bits, byte) << np.uint64(32 - left)
            byte += 4
            left += 32
        entry = find_symbol(int(loaded >> np.uint64(48)), lookup)
        if entry == 0:
            return -1
        run, size, length = entry >> 9, (entry >> 5) & 15, entry & 31
        loaded <<= np.uint64(length)
        left -= length
        if size == 0:
            if run == 0:
                break
            k += 16
            if run != 15 or k > 63:
                return -1
            continue
        k += run
        if k > 63 or size > _MOST_AC_BITS:
            return -1
        block[k] = extend(int(loaded >> np.uint64(48)), size)
        loaded <<= np.uint64(size)
        left -= size
        k += 1
    return byte * 8 - left


@kernel
def read_interleaved(  # noqa: C901, PLR0917 -- one walk; kernels take no keyword-only arguments
    bits: NDArray[np.uint8],
    ends: NDArray[np.int64],
    mcus: tuple[int, int, int],
    planes: Planes,
    parts: NDArray[np.int64],
    dc_lookups: NDArray[np.int32],
    ac_lookups: NDArray[np.int32],
    low_bit: int,
    high_bit: int,
) -> bool:
    """Fill `planes` from a sequential scan, or their DC from a progressive one.

    Return whether the scan was valid: every code known, every value within its range, and every
    restart interval read up to the bits that fill its last byte.

    Args:
        bits: the scan's bytes, as `unstuff` returns them.
        ends: positions of the intervals' ends, as `unstuff` returns them.
        mcus: rows and columns of MCUs, and MCUs in a restart interval.
        planes: qcoefs (blocks_y, blocks_x, 64) zigzag of the scan's components, then any others.
        parts: (components, 2) blocks of each in an MCU, down and across.
        dc_lookups: (components, LOOKUP_SIZE).
        ac_lookups: the same of a sequential scan, (0, LOOKUP_SIZE) for DC alone.
        low_bit: Al of T.81 B.2.3.
        high_bit: Ah: other than 0 in a refining scan.
    """
    rows, columns, interval_mcus = mcus
    previous = np.zeros(parts.shape[0], np.int64)
    at, interval, left = 0, 0, interval_mcus
    for mcu_y in range(rows):
        for mcu_x in range(columns):
            if left == 0:
                previous[:] = 0
            at, interval, left = enter_unit(at, interval, left, interval_mcus, ends)
            if at < 0:
                return False
            for c in range(parts.shape[0]):
                for v in range(parts[c, 0]):
                    for h in range(parts[c, 1]):
                        block = planes[c][mcu_y * parts[c, 0] + v, mcu_x * parts[c, 1] + h]
                        if high_bit > 0:
                            block[0] |= (peek(bits, at) >> 15) << low_bit
                            at += 1
                        else:
                            at, value = _read_dc(bits, at, dc_lookups[c], previous[c], low_bit)
                            if at < 0:
                                return False
                            previous[c] = value
                            block[0] = value << low_bit
                        if ac_lookups.shape[0] > 0:
                            at = _read_ac(bits, at, ac_lookups[c], block)
                        if at < 0 or at > ends[interval]:
                            return False
    return interval == ends.size - 1 and is_used_up(at, ends[interval])
