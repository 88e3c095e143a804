"""libaom's quantizer levels and the steps that they stand for.

A level is libaom's `cq-level`: 0, which is lossless and not used here, to 63.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FINEST, COARSEST = 1, 63

# fmt: off
_AC_STEPS: Final = (
    4, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47, 51, 55, 59, 63, 67,
    71, 75, 79, 83, 87, 91, 95, 99, 104, 112, 120, 128, 136, 144, 152, 164,
    176, 188, 200, 215, 231, 247, 265, 285, 305, 329, 353, 380, 408, 440, 474, 510,
    550, 593, 639, 689, 743, 801, 864, 933, 1007, 1087, 1173, 1267, 1369, 1479, 1628, 1828,
)
# fmt: on
STEPS: Final[NDArray[np.float64]] = np.array(_AC_STEPS) / 8.0
"""(64,) by level: the step of AC coefficients of orthonormal transforms, in 8-bit samples (`Ac_Qlookup` of
AV1's specification, 7.12.2, at the indexes of libaom's `quantizer_to_qindex`)."""
