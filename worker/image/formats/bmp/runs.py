"""Unpacks the run lengths of a BMP: RLE4 and RLE8 of Windows, RLE24 of OS/2 2.0."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined, kernel

END_OF_LINE, END_OF_PICTURE, DELTA = 0, 1, 2
NIBBLES: Final = 4


@inlined
def copy_pixels(
    data: NDArray[np.uint8],
    start: int,
    is_literal: bool,
    depth: int,
    row: NDArray[np.uint8],
) -> None:
    """Fill a part of a row with literal pixels, or with one pixel or pair of pixels.

    Args:
        data: pixels from ``start`` on, checked to be inside.
        row: (pixels, bytes of a pixel).
    """
    count, pixel_bytes = row.shape
    for place in range(count):
        if depth == NIBBLES:
            step = place if is_literal else place % 2
            pair = data[start + step // 2]
            row[place, 0] = pair >> 4 if step % 2 == 0 else pair & 15
        else:
            at = start + (place * pixel_bytes if is_literal else 0)
            for part in range(pixel_bytes):
                row[place, part] = data[at + part]


@kernel
def unpack_runs(data: NDArray[np.uint8], depth: int, pixels: NDArray[np.uint8]) -> bool:
    """Write the pixels of runs, and return whether the picture is complete.

    Pixels that are in no run stay as they are. What goes beyond a row or the last row is left out.

    Args:
        data: the runs.
        depth: bits of a pixel: 4, 8 or 24.
        pixels: (height, width, bytes of a pixel), in the order of the file.
    """
    height, width, pixel_bytes = pixels.shape
    # Bytes become signed: of unsigned integers, numba would make unsigned differences.
    x, y, position = 0, 0, 0
    while y < height and position + 1 < len(data):
        count, value = int(np.int64(data[position])), int(np.int64(data[position + 1]))
        position += 2
        if count == 0 and value == END_OF_PICTURE:
            return True
        if count == 0 and value == END_OF_LINE:
            x, y = 0, y + 1
        elif count == 0 and value == DELTA:
            if position + 1 < len(data):
                x += int(np.int64(data[position]))
                y += int(np.int64(data[position + 1]))
            position += 2
        else:
            is_literal = count == 0
            start, used = position - 1, pixel_bytes
            if is_literal:
                start, count = position, value
                used = (count + 1) // 2 if depth == NIBBLES else count * pixel_bytes
            # Not in the loop over pixels: LLVM 22 reads beyond an array in loops that also end early.
            if start + used > len(data):
                return False
            # Literal pixels fill whole words.
            position = start + used + (used % 2 if is_literal else 0)
            end = min(x + count, width)
            if x < end:
                copy_pixels(data, start, is_literal, depth, pixels[y, x:end])
            x += count
    return bool(y >= height or (y == height - 1 and x >= width))


def warm_up() -> None:
    """Compile or load the kernel, so that no upload waits for it."""
    end = np.frombuffer(bytes((0, END_OF_PICTURE)), np.uint8)
    unpack_runs(end, 8, np.zeros((1, 1, 1), np.uint8))
