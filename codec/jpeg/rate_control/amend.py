"""The last percent of a rate search: a few blocks are quantized again with another λ.

A pass that ends near its goal needs no second one. If one block in five takes a λ that changes its
bits by five times the missing share, the file meets the goal at a fifth of the cost.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.rate_control.passes import Pass, Point, scale_steps, sum_up


def adjust_pass(
    blocks: Blocks,
    tuning: Tuning,
    made: Pass,
    rates: Sequence[NDArray[np.float32]],
    *,
    lambda_scale: float,
    stride: int,
) -> Pass:
    """Quantize every stride-th block of `made` again and return the resulting pass.

    It keeps the point of `made`, at which most of its blocks were quantized.
    """
    point = Point(made.point.table_scale, lambda_scale)
    steps = scale_steps(tuning, made.quant_tables, point)
    ac_counts = blocks.adjust(steps, rates, stride, made.ac_counts)
    return sum_up(blocks.components, made.point, made.quant_tables, made.dc_counts, ac_counts)
