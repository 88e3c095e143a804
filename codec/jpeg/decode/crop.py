"""A part of a source, cut out without decoding its blocks."""

from dataclasses import replace

import numpy as np

from codec.jpeg.decode.coefficients import Source


def crop_source(source: Source, left: int, top: int, width: int, height: int) -> Source:
    """Return the part of a source that begins at (left, top), in pixels, and lies inside of it.

    Its samples are those of the source. A decoder that upsamples chroma smoothly may show other
    colours in the outermost columns and rows, where neighbours are missing.

    Raises:
        ValueError: the part has no pixel, is not inside, or does not begin at a corner of MCUs.
    """
    across, down = source.horizontal, source.vertical
    is_inside = left >= 0 and top >= 0 and width > 0 and height > 0
    if not is_inside or left + width > source.width or top + height > source.height:
        raise ValueError("the part is not inside")
    if left % (8 * across) or top % (8 * down):
        raise ValueError("the part does not begin at a corner of MCUs")
    rows, columns = -(-height // (8 * down)), -(-width // (8 * across))
    row, column = top // (8 * down), left // (8 * across)
    qcoefs = []
    for i, plane in enumerate(source.qcoefs):
        # Blocks of a component in each MCU.
        tall, wide = (1, 1) if i else (down, across)
        part = plane[row * tall : (row + rows) * tall, column * wide : (column + columns) * wide]
        qcoefs.append(np.ascontiguousarray(part))
    # No file shows the part alone.
    return replace(
        source, width=width, height=height, qcoefs=qcoefs, stripped=b"", is_reoriented=True
    )
