"""The tokens of a progressive DC scan, of one component or interleaved (T.81 G.1.2.1)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.symbols import SIZES
from codec.jpeg.write.tokens import LENGTH_SHIFT, SECOND_TABLE, SYMBOL_SHIFT


@kernel
def _code_differences(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    qcoefs: NDArray[np.int16],
    rows: int,
    columns: int,
    vertical: int,
    horizontal: int,
    table: int,
    tokens: NDArray[np.int32],
    first_part: int,
) -> None:
    """Fill `tokens` (MCUs, blocks per MCU) with the differences of consecutive DC coefficients.

    They are those of one component, in the first `rows` and `columns` of its blocks; `first_part` is
    the place of its first block in an MCU.
    """
    previous = 0
    mcu = 0
    for mcu_y in range(0, rows, vertical):
        for mcu_x in range(0, columns, horizontal):
            part = first_part
            for by in range(mcu_y, mcu_y + vertical):
                for bx in range(mcu_x, mcu_x + horizontal):
                    value = int(qcoefs[by, bx, 0])
                    difference = value - previous
                    size = int(SIZES[abs(difference)])
                    appended = difference if difference > 0 else difference + (1 << size) - 1
                    symbol = (table + size) << SYMBOL_SHIFT
                    tokens[mcu, part] = symbol | size << LENGTH_SHIFT | appended
                    previous = value
                    part += 1
            mcu += 1


def list_dc(
    components: Sequence[Component], qcoefs: Sequence[NDArray[np.int16]]
) -> NDArray[np.int32]:
    """Return the tokens of all DC coefficients in one scan; chroma in a scan with luma uses the second table.

    A scan of one component holds its real blocks row by row, an interleaved one whole MCUs (A.2).
    """
    if len(components) == 1:
        rows, columns = components[0].real_rows, components[0].real_columns
        tokens = np.empty((rows * columns, 1), np.int32)
        _code_differences(qcoefs[0], rows, columns, 1, 1, 0, tokens, 0)
        return tokens.ravel()
    blocks = [component.vertical * component.horizontal for component in components]
    mcus = qcoefs[0].shape[0] * qcoefs[0].shape[1] // blocks[0]
    tokens = np.empty((mcus, sum(blocks)), np.int32)
    filled = 0
    for component, stored, count in zip(components, qcoefs, blocks, strict=True):
        table = 0 if component.kind == components[0].kind else SECOND_TABLE
        rows, columns, _ = stored.shape
        vertical, horizontal = component.vertical, component.horizontal
        _code_differences(stored, rows, columns, vertical, horizontal, table, tokens, filled)
        filled += count
    return tokens.ravel()
