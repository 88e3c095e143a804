"""Quantization steps for coefficients that have been quantized before.

A JPEG's coefficients are multiples of its own steps. A finer step codes them no better, and one a
little coarser moves every value for next to no bits: runs and sizes stay as they are.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.component import Component

SNAP_RATIO: Final = 1.6
"""Steps wanted up to so many times coarser than the source's are the source's own."""


def snap_tables(
    tables: Sequence[NDArray[np.uint16]], components: Sequence[Component]
) -> list[NDArray[np.uint16]]:
    """Return the components' quant_tables (zigzag) with steps of their sources where near."""
    return [
        table
        if component.steps is None
        else np.where(table <= component.steps * SNAP_RATIO, component.steps, table)
        for table, component in zip(tables, components, strict=True)
    ]
