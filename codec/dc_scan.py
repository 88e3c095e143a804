"""The tokens of a progressive DC scan (T.81 G.1.2.1), of one component or interleaved."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.component import LUMA, Component
from codec.tokens import LENGTH_SHIFT, SECOND_TABLE, SYMBOL_SHIFT

# Bits of every magnitude that the difference of two DC coefficients can have.
_SIZES = np.array([magnitude.bit_length() for magnitude in range(1 << 16)], np.int32)


def list_dc(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> NDArray[np.int32]:
    """Return the tokens of all DC coefficients in one scan; chroma next to luma takes table two.

    One component's scan holds its real blocks row by row, an interleaved one whole MCUs (A.2).
    """
    if len(components) == 1:
        component = components[0]
        real = qcoefs[0][: component.real_rows, : component.real_columns, 0]
        return _code_differences(real.reshape(-1, 1), 0).ravel()
    mcus = []
    for component, stored in zip(components, qcoefs, strict=True):
        table = 0 if component.kind == LUMA or components[0].kind != LUMA else SECOND_TABLE
        v, h = component.vertical, component.horizontal
        rows, columns = stored.shape[0] // v, stored.shape[1] // h
        values = stored[..., 0].reshape(rows, v, columns, h).transpose(0, 2, 1, 3)
        mcus.append(_code_differences(values.reshape(-1, v * h), table))
    return np.concatenate(mcus, axis=1).ravel()


def _code_differences(values: NDArray[np.int16], table: int) -> NDArray[np.int32]:
    """Return the tokens of `values` (MCUs, blocks in each), each coded after the one before it."""
    ordered = values.astype(np.int32).ravel()
    differences = np.diff(ordered, prepend=np.int32(0))
    sizes = _SIZES[np.abs(differences)]
    appended = np.where(differences < 0, differences + (1 << sizes) - 1, differences)
    tokens = (table + sizes) << SYMBOL_SHIFT | sizes << LENGTH_SHIFT | appended
    return tokens.reshape(values.shape)
