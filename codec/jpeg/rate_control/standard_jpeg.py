"""The reference: the baseline 4:2:0 JPEG with the tables of T.81 Annex K, as Pillow writes it."""

import os
import tempfile
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.jit import kernel
from codec.jpeg.syntax.standard_huffman import AC_LENGTHS, DC_LENGTHS
from codec.jpeg.syntax.symbols import APPENDED_BITS, END_OF_BLOCK, SIZES, ZERO_RUN

HEADER_BYTES: Final = {1: 330, 3: 625}
"""Bytes of the reference without its scan, by the number of components."""
# Bits of each symbol's code and of those appended to it, of LUMA and CHROMA.
_DC_BITS: Final = tuple(lengths + np.arange(256) for lengths in DC_LENGTHS)
_AC_BITS: Final = tuple(lengths + APPENDED_BITS for lengths in AC_LENGTHS)


def measure_reference(image: NDArray[np.uint8], quality: int) -> int:
    """Return the bytes of the reference of `image`, (h, w, 3) or (h, w), at `quality` 1..100."""
    # Pillow releases the interpreter lock only when it writes to a file descriptor, not to a Python
    # object.
    with open_scratch() as file:
        Image.fromarray(np.ascontiguousarray(image)).save(
            file, format="JPEG", quality=quality, subsampling="4:2:0"
        )
        return os.fstat(file.fileno()).st_size


def open_scratch() -> IO[bytes]:
    """Return an empty unnamed file, in memory where the system supports it (Linux)."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("reference"), "wb")
    return tempfile.TemporaryFile()


def count_scan_bits(
    kind: int, coefs: NDArray[np.int16], factors: NDArray[np.float32], mcu: int
) -> int:
    """Return the bits that a component takes in the reference's scan, without byte stuffing.

    Args:
        kind: LUMA or CHROMA.
        coefs: (blocks_y, blocks_x, 64) zigzag, padded to whole MCUs.
        factors: (64,) from `coefs` to values in units of the reference's steps.
        mcu: blocks of the component in an MCU, across and down: 1 or 2.
    """
    return int(_count_scan_bits(coefs, factors, mcu, _DC_BITS[kind], _AC_BITS[kind]))


@kernel
def _count_scan_bits(  # noqa: C901 -- one walk
    coefs: NDArray[np.int16],
    factors: NDArray[np.float32],
    mcu: int,
    dc_bits: NDArray[np.int64],
    ac_bits: NDArray[np.int64],
) -> int:
    bits = 0
    before = 0
    values = np.zeros(64, np.int16)
    quads = values.view(np.int64)  # most are zero
    positions = np.empty(65, np.uint8)
    for mcu_y in range(coefs.shape[0] // mcu):
        for mcu_x in range(coefs.shape[1] // mcu):
            for part in range(mcu * mcu):
                block = coefs[mcu_y * mcu + part // mcu, mcu_x * mcu + part % mcu]
                for k in range(64):
                    value = np.float32(block[k]) * factors[k]
                    # libjpeg rounds halves away from zero (jcdctmgr.c).
                    half = np.float32(0.5) if value >= 0 else np.float32(-0.5)
                    values[k] = np.int16(value + half)
                dc = int(values[0])
                bits += dc_bits[SIZES[abs(dc - before)]]
                before = dc
                found = 0
                for quad in range(16):
                    if quads[quad] != 0:
                        # No branch here, because a processor could not predict it.
                        for k in range(4 * quad, 4 * quad + 4):
                            positions[found] = k
                            found += (k > 0) & (values[k] != 0)
                last = 0
                for i in range(found):
                    k = int(positions[i])
                    run = k - last - 1
                    if run > 15:
                        bits += (run >> 4) * ac_bits[ZERO_RUN]
                    bits += ac_bits[(run & 15) * 16 + SIZES[abs(int(values[k]))]]
                    last = k
                if last < 63:
                    bits += ac_bits[END_OF_BLOCK]
    return bits
