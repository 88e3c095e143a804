"""Rate-distortion optimized quantization (RDOQ) of AC coefficients, and rounding of DC.

For each block the kernel minimizes

    w_b · Σ_k f_k · (c_k − q_k·v_k)² / λ  +  bits of the run/size symbols (T.81 F.1.2.2)

over the values v_k exactly, for given symbol rates. A node of the trellis is "k is the last nonzero
coefficient so far"; Viterbi's algorithm keeps the cheapest way to each (Ramchandran and Vetterli,
"Rate-distortion optimal fast thresholding with complete JPEG/MPEG decoder compatibility", IEEE
Trans. Image Processing 3(5), 1994; Crouse and Ramchandran, "Joint thresholding and quantizer selection
for transform image coding", IEEE Trans. Image Processing 6(2), 1997). Bits depend on a value's size
category only, so the candidates are the rounded value and, for every smaller category, its largest
value: no other value can be best.
"""

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.quantize.trellis import decide_block
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, ZERO_RUN, count_block_symbols

_SIZE_COUNT = 16


@kernel
def tabulate_rates(rates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return bits[size, run] (16, 64) of `run` zeros and a value of `size`, from `rates` (256,).

    Entries include the ZRL codes of runs beyond 15 and the appended bits.
    """
    bits = np.zeros((_SIZE_COUNT, 64), np.float32)
    for size in range(1, _SIZE_COUNT):
        for run in range(64):
            symbol = (run & 15) * 16 + size
            bits[size, run] = rates[symbol] + rates[ZERO_RUN] * np.float32(run // 16) + size
    return bits


@kernel
def bound_rates(bits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the minimum of bits[size, r] over all r ≥ run, in the shape of `bits`."""
    bounds = bits.copy()
    for size in range(bits.shape[0]):
        for run in range(bits.shape[1] - 2, -1, -1):
            bounds[size, run] = min(bounds[size, run], bounds[size, run + 1])
    return bounds


@kernel
def quantize_ac(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    coefs: NDArray[np.float32],
    block_weights: NDArray[np.float32],
    inverse_steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    rates: NDArray[np.float32],
    stride: int,
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the AC part of `qcoefs` and add the symbols to `counts` (256,).

    Args:
        coefs: (blocks_y, blocks_x, 64) zigzag; `qcoefs` alike.
        block_weights: (blocks_y, blocks_x); 0 makes a block empty.
        inverse_steps: (64,) 1 / quant_table.
        distortion_scales: (64,) f_k · q_k² / λ, the bits that a squared error of one step is worth.
        rates: (256,) bits of each symbol, without appended bits.
        stride: only every stride-th block is decided, in a diagonal pattern.
    """
    bits = tabulate_rates(rates)
    bounds = bound_rates(bits)
    magnitudes = np.empty(64, np.float32)
    positions = np.empty(64, np.uint8)
    origins = np.empty(64, np.uint8)
    values = np.empty(64, np.int16)
    costs = np.empty(64, np.float32)
    least = np.empty(64, np.float32)
    for by in range(coefs.shape[0]):
        for bx in range((by * 3) % stride, coefs.shape[1], stride):
            decide_block(
                coefs[by, bx],
                block_weights[by, bx],
                inverse_steps,
                distortion_scales,
                bits,
                bounds,
                rates[END_OF_BLOCK],
                magnitudes,
                positions,
                origins,
                values,
                costs,
                least,
                qcoefs[by, bx],
                counts,
            )


@kernel
def count_ac_symbols(
    qcoefs: NDArray[np.int16], stride: int, times: int, counts: NDArray[np.int64]
) -> None:
    """Add the AC symbols of every stride-th block to `counts` (256,), `times` times.

    They are the blocks that `quantize_ac` decides with this stride.
    """
    for by in range(qcoefs.shape[0]):
        for bx in range((by * 3) % stride, qcoefs.shape[1], stride):
            count_block_symbols(qcoefs[by, bx], times, counts)


@kernel
def quantize_dc(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    dc: NDArray[np.float32],
    inverse_step: float,
    real_rows: int,
    real_columns: int,
    vertical: int,
    horizontal: int,
    qcoefs: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Round the DC part of `qcoefs` and add the sizes of the differences to `counts` (256,).

    `dc` is (blocks_y, blocks_x), apart from the other coefficients, which would fill the cache. The differences are those of an interleaved scan (T.81 F.1.2.1), with `vertical`×`horizontal`
    blocks per MCU. Blocks beyond the real rows and columns only complete MCUs. They repeat the
    previous value, because a difference of 0 has the shortest code.
    """
    previous = 0
    for mcu_y in range(dc.shape[0] // vertical):
        for mcu_x in range(dc.shape[1] // horizontal):
            for part in range(vertical * horizontal):
                by = mcu_y * vertical + part // horizontal
                bx = mcu_x * horizontal + part % horizontal
                value = previous
                if by < real_rows and bx < real_columns:
                    value = int(np.rint(dc[by, bx] * inverse_step))
                qcoefs[by, bx, 0] = value
                counts[SIZES[abs(value - previous)]] += 1
                previous = value
