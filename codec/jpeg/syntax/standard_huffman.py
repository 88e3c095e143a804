"""Code lengths of the standard's own Huffman tables: T.81 Annex K.3, tables K.3 to K.6.

All arrays are (256,) by symbol, 0 where there is no code.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.symbols import END_OF_BLOCK, ZERO_RUN

_LONGEST: Final = 16
_MOST_SIZE: Final = 10
# Runs 0 to 15, each with the code lengths of sizes 1 to 10. Those that are left out have 16 bits.
_AC_LUMA: Final = """
2 2 3 4 5 7 8 10 / 4 5 7 9 11 / 5 8 10 12 / 6 9 12 / 6 10 / 7 11 / 7 12 / 8 12
/ 9 15 / 9 / 9 / 10 / 10 / 11 / /
"""
_AC_CHROMA: Final = """
2 3 4 5 5 6 7 9 10 12 / 4 6 8 9 11 12 / 5 8 10 12 15 / 5 8 10 12 / 6 9 / 6 10 / 7 11 / 7 11
/ 8 / 9 / 9 / 9 / 9 / 11 / 14 / 15
"""


def _list_dc_lengths(*lengths: int) -> NDArray[np.int64]:
    return np.array([*lengths, *[0] * (256 - len(lengths))], np.int64)


def _list_ac_lengths(text: str, end_of_block: int, zero_run: int) -> NDArray[np.int64]:
    lengths = np.zeros((16, 16), np.int64)
    for run, row in enumerate(text.split("/")):
        own = [int(length) for length in row.split()]
        lengths[run, 1 : _MOST_SIZE + 1] = own + [_LONGEST] * (_MOST_SIZE - len(own))
    flat = lengths.reshape(256)
    flat[END_OF_BLOCK], flat[ZERO_RUN] = end_of_block, zero_run
    return flat


DC_LENGTHS: Final = (
    _list_dc_lengths(2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9),
    _list_dc_lengths(2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
)
"""Of LUMA and CHROMA."""
AC_LENGTHS: Final = (_list_ac_lengths(_AC_LUMA, 4, 11), _list_ac_lengths(_AC_CHROMA, 2, 10))
"""Of LUMA and CHROMA."""
