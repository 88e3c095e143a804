"""The zigzag order and the standard's quantization tables: T.81 figure A.6 and Annex K.1.

All tables are in zigzag order, like DQT and the arrays of coefficients.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Figure A.6 of T.81: natural index of each zigzag position.
ZIGZAG_TO_NATURAL: Final = np.array(
    sorted(
        range(64),
        key=lambda i: (
            i // 8 + i % 8,
            i // 8 if (i // 8 + i % 8) % 2 else i % 8,
        ),
    ),
    dtype=np.int64,
)
NATURAL_TO_ZIGZAG: Final = np.argsort(ZIGZAG_TO_NATURAL).astype(np.int64)

# Tables K.1 and K.2, natural order as printed.
_ANNEX_K_LUMA: Final = """
16 11 10 16 24 40 51 61   12 12 14 19 26 58 60 55   14 13 16 24 40 57 69 56
14 17 22 29 51 87 80 62   18 22 37 56 68 109 103 77   24 35 55 64 81 104 113 92
49 64 78 87 103 121 120 101   72 92 95 98 112 100 103 99
"""
_ANNEX_K_CHROMA: Final = """
17 18 24 47 99 99 99 99   18 21 26 66 99 99 99 99   24 26 56 99 99 99 99 99
47 66 99 99 99 99 99 99   99 99 99 99 99 99 99 99   99 99 99 99 99 99 99 99
99 99 99 99 99 99 99 99   99 99 99 99 99 99 99 99
"""


def _zigzag(text: str) -> NDArray[np.float32]:
    return np.array(text.split(), dtype=np.float32)[ZIGZAG_TO_NATURAL]


ANNEX_K_LUMA: Final = _zigzag(_ANNEX_K_LUMA)
ANNEX_K_CHROMA: Final = _zigzag(_ANNEX_K_CHROMA)


def find_quality_scale(quality: int) -> float:
    """Return the factor on Annex K's tables at `quality` 1..100, 1.0 at 50 (libjpeg, jcparam.c)."""
    return (50.0 / quality) if quality < 50 else max(2.0 - quality / 50.0, 0.01)


def round_table(steps: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the 8-bit quant_table nearest to `steps`, each entry in 1..255 (T.81 B.2.4.1)."""
    return np.minimum(np.maximum(np.rint(steps), 1), 255).astype(np.uint16)
