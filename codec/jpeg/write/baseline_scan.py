"""The entropy-coded segment of a baseline scan (T.81 F.1.2)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.bit_mask import find_lowest_bit, mark_nonzero_ac
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import HuffmanTable
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, ZERO_RUN
from codec.jpeg.write.bit_writer import append_bits, complete_byte


@kernel
def _append_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.int16],
    previous: int,
    table: NDArray[np.int64],
    pending: int,
    waiting: int,
    written: int,
    out: NDArray[np.uint8],
) -> tuple[int, int, int]:
    """Append one block; return the result of the last `append_bits`.

    `table` (512,) holds code << 5 | length of the DC sizes, then of the AC symbols. A word is a code
    with its appended bits: the low bits of the value, or of value − 1 if negative (F.1.2.1.1).
    """
    difference = int(block[0]) - previous
    size = int(SIZES[abs(difference)])
    entry = table[size]
    word = ((entry >> 5) << size) | (difference + ((difference >> 63) & ((1 << size) - 1)))
    pending, waiting, written = append_bits(
        word, (entry & 31) + size, pending, waiting, written, out
    )
    before = 0
    marked = mark_nonzero_ac(block)
    while marked != np.uint64(0):
        k = find_lowest_bit(marked)
        marked &= marked - np.uint64(1)
        run = k - before - 1
        while run > 15:
            entry = table[256 + ZERO_RUN]
            pending, waiting, written = append_bits(
                entry >> 5, entry & 31, pending, waiting, written, out
            )
            run -= 16
        value = int(block[k & 63])
        size = int(SIZES[abs(value)])
        entry = table[256 + run * 16 + size]
        word = ((entry >> 5) << size) | (value + ((value >> 63) & ((1 << size) - 1)))
        pending, waiting, written = append_bits(
            word, (entry & 31) + size, pending, waiting, written, out
        )
        before = k
    if before < 63:
        entry = table[256 + END_OF_BLOCK]
        pending, waiting, written = append_bits(
            entry >> 5, entry & 31, pending, waiting, written, out
        )
    return pending, waiting, written


@kernel
def _write_scan(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    luma: NDArray[np.int16],
    cb: NDArray[np.int16],
    cr: NDArray[np.int16],
    has_chroma: bool,
    horizontal: int,
    vertical: int,
    tables: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Write all MCUs, with horizontal×vertical blocks of luma and one of each chroma; return the bytes."""
    luma_table, chroma_table = tables[0], tables[-1]
    # A zero of a type: for literal ones, numba compiles what is called once more.
    zero = int(np.int64(0))
    pending, waiting, written = zero, zero, zero
    luma_before, cb_before, cr_before = zero, zero, zero
    for mcu_y in range(luma.shape[0] // vertical):
        for mcu_x in range(luma.shape[1] // horizontal):
            for part in range(vertical * horizontal):
                by = mcu_y * vertical + part // horizontal
                bx = mcu_x * horizontal + part % horizontal
                pending, waiting, written = _append_block(
                    luma[by, bx], luma_before, luma_table, pending, waiting, written, out
                )
                luma_before = int(luma[by, bx, 0])
            if has_chroma:
                pending, waiting, written = _append_block(
                    cb[mcu_y, mcu_x], cb_before, chroma_table, pending, waiting, written, out
                )
                cb_before = int(cb[mcu_y, mcu_x, 0])
                pending, waiting, written = _append_block(
                    cr[mcu_y, mcu_x], cr_before, chroma_table, pending, waiting, written, out
                )
                cr_before = int(cr[mcu_y, mcu_x, 0])
    return complete_byte(pending, waiting, written, out)


def write_scan(
    components: Sequence[Component],
    qcoefs: Sequence[NDArray[np.int16]],
    dc_tables: Sequence[HuffmanTable],
    ac_tables: Sequence[HuffmanTable],
    bit_count: int,
) -> bytes:
    """Return the scan; `bit_count` is its exact length before byte stuffing."""
    out = np.empty(2 * (bit_count // 8 + 2), np.uint8)
    cb, cr = (qcoefs[1], qcoefs[2]) if len(qcoefs) > 1 else (qcoefs[0], qcoefs[0])
    tables = np.array([
        np.concatenate([dc.codes << 5 | dc.lengths, ac.codes << 5 | ac.lengths])
        for dc, ac in zip(dc_tables, ac_tables, strict=True)
    ])  # fmt: skip
    luma = components[0]
    size = _write_scan(
        qcoefs[0],
        cb,
        cr,
        len(qcoefs) > 1,
        luma.horizontal,
        luma.vertical,
        tables,
        out,
    )
    return out[:size].tobytes()
