"""The range of the table scale, and where in it a search starts.

A search moves in logarithms of steps: equal distances change the bytes by equal ratios.
"""

import math
from typing import Final

from codec.jpeg.rate_control.passes import Point
from codec.jpeg.syntax.tables import find_quality_scale

FINEST: Final = math.log(0.2)
"""Log step at which all table entries are 1, and λ is too small to remove anything visible."""
COARSEST: Final = math.log(4000.0)
"""Log step at which all table entries are 255, and λ removes every AC coefficient; the file is
shorter than any reference."""
SLOPE: Final = -0.75
"""d log(bytes) / d log(step) of table and λ together, typical of photos."""

_REFERENCE_HEADER_BYTES: Final = 623  # of libjpeg's files with the default Huffman tables


def guess_step(quality: int, reference_bytes: int, pixels: int) -> float:
    """Return the table scale at which the search starts.

    Fitted by least squares on 16 photos of OSIE at five qualities and three strengths (standard
    deviation 8 %): the simpler an image, the finer the table for the reference's bytes.
    """
    bpp = max(reference_bytes - _REFERENCE_HEADER_BYTES, 1) * 8 / pixels
    return 16.0 * find_quality_scale(quality) * 0.95 * float(bpp**0.405)


def follow_slope(log_step: float, error: float) -> float:
    """Return the log step at which the typical slope predicts no error."""
    return min(max(log_step - error / SLOPE, FINEST), COARSEST)


def is_finest(point: Point) -> bool:
    """Return whether a pass at `point` makes the largest file."""
    return math.log(point.table_scale) <= FINEST + 1e-6


def is_coarsest(point: Point) -> bool:
    """Return whether a pass at `point` makes the smallest file."""
    # Both must be at the limit: λ alone does not shorten DC.
    return math.log(min(point.table_scale, point.lambda_scale)) >= COARSEST - 1e-6
