"""The entropy-coded segment of a baseline scan (T.81 F.1.2)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.bits import append_bits, complete_byte
from codec.component import Component
from codec.huffman import HuffmanTable
from codec.kernel import kernel
from codec.rdoq import size_category


@kernel
def _list_block(
    block: NDArray[np.int16],
    previous: int,
    dc: NDArray[np.int64],
    ac: NDArray[np.int64],
    words: NDArray[np.int64],
) -> int:
    """Fill words[0] with the bits and words[1] with the lengths of one block; return their number.

    A word is a code with its appended bits: the value, one less where it is negative (F.1.2.1.1).
    """
    difference = int(block[0]) - previous
    size = size_category(abs(difference))
    appended = difference if difference > 0 else difference + (1 << size) - 1
    words[0, 0] = (dc[0, size] << size) | appended
    words[1, 0] = dc[1, size] + size
    filled = 1
    run = 0
    for k in range(1, 64):
        value = int(block[k])
        if value == 0:
            run += 1
            continue
        while run > 15:
            words[0, filled] = ac[0, 0xF0]
            words[1, filled] = ac[1, 0xF0]
            filled += 1
            run -= 16
        size = size_category(abs(value))
        symbol = run * 16 + size
        appended = value if value > 0 else value + (1 << size) - 1
        words[0, filled] = (ac[0, symbol] << size) | appended
        words[1, filled] = ac[1, symbol] + size
        filled += 1
        run = 0
    if run > 0:
        words[0, filled] = ac[0, 0]
        words[1, filled] = ac[1, 0]
        filled += 1
    return filled


@kernel
def _append_words(
    words: NDArray[np.int64], count: int, state: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    """Append words of up to 32 bits; state is (pending bits, their number, bytes written)."""
    pending, waiting, written = state[0], state[1], state[2]
    for i in range(count):
        pending, waiting, written = append_bits(
            words[0, i], words[1, i], pending, waiting, written, out
        )
    state[0], state[1], state[2] = pending, waiting, written


@kernel
def _write_scan(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    planes: tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]],
    component_count: int,
    horizontal: int,
    vertical: int,
    dc: NDArray[np.int64],
    ac: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Interleave luma (horizontal×vertical blocks per MCU) with the chroma planes (1×1)."""
    state = np.zeros(3, np.int64)
    previous = np.zeros(3, np.int64)
    words = np.empty((2, 72), np.int64)
    for mcu_y in range(planes[0].shape[0] // vertical):
        for mcu_x in range(planes[0].shape[1] // horizontal):
            for part in range(vertical * horizontal):
                block = planes[0][
                    mcu_y * vertical + part // horizontal, mcu_x * horizontal + part % horizontal
                ]
                count = _list_block(block, previous[0], dc[0], ac[0], words)
                _append_words(words, count, state, out)
                previous[0] = block[0]
            for c in range(1, component_count):
                block = planes[c][mcu_y, mcu_x]
                count = _list_block(block, previous[c], dc[1], ac[1], words)
                _append_words(words, count, state, out)
                previous[c] = block[0]
    return complete_byte(state[0], state[1], state[2], out)


def write_scan(
    components: Sequence[Component],
    qcoefs: Sequence[NDArray[np.int16]],
    dc_tables: Sequence[HuffmanTable],
    ac_tables: Sequence[HuffmanTable],
    bit_count: int,
) -> bytes:
    """Return the scan; `bit_count` is its exact length before stuffing."""
    out = np.empty(2 * (bit_count // 8 + 2), np.uint8)
    planes = (qcoefs[0], qcoefs[-2] if len(qcoefs) > 1 else qcoefs[0], qcoefs[-1])
    dc = np.array([[table.codes, table.lengths] for table in dc_tables])
    ac = np.array([[table.codes, table.lengths] for table in ac_tables])
    luma = components[0]
    size = _write_scan(planes, len(qcoefs), luma.horizontal, luma.vertical, dc, ac, out)
    return out[:size].tobytes()
