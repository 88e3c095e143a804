"""EXIF orientation applied to a source's blocks, without decoding them (EXIF 2.32, tag 0x0112).

Mirroring a block negates the coefficients of odd frequencies in that direction; transposing it swaps
both frequencies. Blocks move likewise. The samples are those of the decoded image, reoriented.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.coefficients import Source
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG, ZIGZAG_TO_NATURAL

# By orientation: whether to transpose, then to mirror left to right, then to mirror top to bottom.
_OPERATIONS: Final = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
_TRANSPOSED: Final = NATURAL_TO_ZIGZAG[ZIGZAG_TO_NATURAL % 8 * 8 + ZIGZAG_TO_NATURAL // 8]
_ODD_ACROSS: Final = np.where(ZIGZAG_TO_NATURAL % 2, -1, 1).astype(np.int16)
_ODD_DOWN: Final = np.where(ZIGZAG_TO_NATURAL // 8 % 2, -1, 1).astype(np.int16)


def apply_orientation(source: Source, orientation: int) -> Source:
    """Return the source upright; `orientation` is EXIF's, 1..8.

    Raises:
        UnreadableSourceError: a side that has to be mirrored is not a whole number of MCUs. Its
            padding would become the first column or row.
    """
    transpose, across, down = _OPERATIONS[orientation]
    if orientation == 1:
        return source
    sides = (source.width, source.height, source.horizontal, source.vertical)
    width, height, horizontal, vertical = (
        (sides[1], sides[0], sides[3], sides[2]) if transpose else sides
    )
    if (across and width % (8 * horizontal)) or (down and height % (8 * vertical)):
        raise UnreadableSourceError("a mirrored side is not a whole number of MCUs")
    tables = source.quant_tables
    return replace(
        source,
        width=width,
        height=height,
        horizontal=horizontal,
        vertical=vertical,
        qcoefs=[_reorient(plane, transpose, across, down) for plane in source.qcoefs],
        quant_tables=[table[_TRANSPOSED] for table in tables] if transpose else tables,
        is_reoriented=True,
    )


def _reorient(
    qcoefs: NDArray[np.int16], transpose: bool, across: bool, down: bool
) -> NDArray[np.int16]:
    if transpose:
        qcoefs = qcoefs.swapaxes(0, 1)[..., _TRANSPOSED]
    signs = np.ones(64, np.int16)
    if across:
        qcoefs = qcoefs[:, ::-1]
        signs = signs * _ODD_ACROSS
    if down:
        qcoefs = qcoefs[::-1]
        signs = signs * _ODD_DOWN
    return np.ascontiguousarray(qcoefs * signs)
