"""DC coefficients: quantization and the differences that the scan codes (T.81 F.1.2.1)."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.quantize.rdoq import size_category


@kernel
def quantize_dc(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    step: int,
    real_rows: int,
    real_columns: int,
    vertical: int,
    horizontal: int,
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the DC part of `qcoefs` and add the difference categories to `counts` (256,).

    Blocks follow each other as in the scan, `vertical`×`horizontal` of them per MCU. Blocks beyond
    the real rows and columns only fill the last MCUs: they repeat the value before them, which costs
    the shortest code.
    """
    previous = 0
    for mcu_y in range(coefs.shape[0] // vertical):
        for mcu_x in range(coefs.shape[1] // horizontal):
            for part in range(vertical * horizontal):
                by = mcu_y * vertical + part // horizontal
                bx = mcu_x * horizontal + part % horizontal
                value = previous
                if by < real_rows and bx < real_columns:
                    value = int(np.rint(coefs[by, bx, 0] / step))
                qcoefs[by, bx, 0] = value
                counts[size_category(abs(value - previous))] += 1
                previous = value
