"""The quantization tables of a pass, and what their errors are worth in bits."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.frequency_weights import list_frequency_weights
from codec.jpeg.quantize.requantization import snap_tables
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.tables import round_table


@dataclass(frozen=True, slots=True)
class Steps:
    """Quantization steps and the weights of their errors; one entry of each list per component."""

    quant_tables: list[NDArray[np.uint16]]
    """(64,) zigzag."""
    inverse: list[NDArray[np.float32]]
    """(64,) 1 / quant_table."""
    distortion_scales: list[NDArray[np.float32]]
    """(64,) bits that a squared error of one step is worth."""


def make_tables(tuning: Tuning, scale: float, components: int) -> list[NDArray[np.uint16]]:
    """Return each component's quant_table (64,) zigzag; `scale` is the step of frequency weight 1."""
    return list(round_table(_shape_tables(tuning, components) * np.float32(scale)))


@lru_cache(maxsize=64)
def _shape_tables(tuning: Tuning, components: int) -> NDArray[np.float32]:
    """Return the steps (components, 64) at scale 1, before rounding."""
    weights = list_frequency_weights(tuning.sensitivities, components)
    shapes: NDArray[np.float32] = np.power(weights, np.float32(-0.5 * tuning.steepness))
    shapes.flags.writeable = False
    return shapes


def choose_tables(
    tuning: Tuning, scale: float, components: Sequence[Component]
) -> list[NDArray[np.uint16]]:
    """Return the result of `make_tables`, with the steps of a source where `snap_tables` takes them."""
    return snap_tables(make_tables(tuning, scale, len(components)), components)


def scale_steps(
    tuning: Tuning, quant_tables: list[NDArray[np.uint16]], lambda_scale: float
) -> Steps:
    """Return the steps of these tables; λ is the tuning's `rd_lambda` times `lambda_scale` squared."""
    rd_lambda = max(tuning.rd_lambda * lambda_scale * lambda_scale, 1e-6)
    weights = list_frequency_weights(tuning.sensitivities, len(quant_tables))
    steps = np.array(quant_tables, np.float32)
    scales = weights * steps * steps * np.float32(1.0 / rd_lambda)
    return Steps(quant_tables, list(np.float32(1.0) / steps), list(scales))
