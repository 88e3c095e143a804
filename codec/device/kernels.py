"""The CUDA kernels: one thread decides one block, all components of a picture in one launch.

Symbols are counted in shared memory first. What the trellis works with lies in each thread's local
memory, which the hardware interleaves; of coefs each thread reads lines of its own.
"""

from typing import Any, Final

import numpy as np
from numba import cuda

from codec import fidelity, idct, outline, trellis, weights
from codec.device.board import (
    AC,
    BITS,
    BOUNDS,
    COUNTED,
    END_RATES,
    FACTORS,
    INVERSE,
    SCALES,
    SENSITIVITIES,
    SINGLE,
    STEPS,
)
from codec.device.functions import SIMULATED, compile_function, compile_kernel, on_device

THREADS: Final = 8 if SIMULATED else 64
"""Of a CUDA block: so few that a single photo's blocks are spread over the whole device."""

if SIMULATED:

    def _multiply(a: Any, b: Any) -> Any:
        return a * b

    def _round(value: Any) -> Any:
        return int(np.rint(value))

    def _round_float(value: Any) -> Any:
        return np.rint(value)

else:
    from numba.cuda import libdevice

    def _multiply(a: Any, b: Any) -> Any:
        # An instruction with a rounding of its own is never fused with a sum.
        return libdevice.fmul_rn(a, b)

    def _round(value: Any) -> Any:
        return int(libdevice.rint(value))

    def _round_float(value: Any) -> Any:
        return libdevice.rintf(value)


def _count_bits(magnitude: Any) -> Any:
    return 32 - int(cuda.clz(np.int32(magnitude)))


def _add(counts: Any, symbol: Any, times_seen: Any) -> None:
    cuda.atomic.add(counts, symbol, np.int32(times_seen))


times = compile_function(_multiply)
nearest = compile_function(_round)
rounded = compile_function(_round_float)
size_of = compile_function(_count_bits)
tally = compile_function(_add)
scale_magnitudes = on_device(trellis.scale_magnitudes, times=times)
list_candidates = on_device(trellis.list_candidates)
store_block = on_device(trellis.store_block, size_of=size_of, tally=tally)
discount_block = on_device(trellis.discount_block, size_of=size_of, tally=tally)
decide_block = on_device(
    trellis.decide_block,
    times=times,
    size_of=size_of,
    tally=tally,
    scale_magnitudes=scale_magnitudes,
    list_candidates=list_candidates,
    store_block=store_block,
)
outline_block = on_device(
    outline.outline_block,
    times=times,
    size_of=size_of,
    tally=tally,
    scale_magnitudes=scale_magnitudes,
    list_candidates=list_candidates,
)
sum_costs = on_device(fidelity.sum_costs)
measure_block = on_device(fidelity.measure_block, times=times, sum_costs=sum_costs)
measure_rounding = on_device(
    fidelity.measure_rounding, times=times, rounded=rounded, sum_costs=sum_costs
)
restore_line = on_device(idct.restore_line, times=times)
find_activity = on_device(weights.find_activity, times=times)


@compile_function
def restore_row(block: Any, order: Any, v: int, samples: Any) -> None:
    """Fill row `v` of a block's samples (8, 8) from its coefficients; columns are still to come."""
    row = v * 8
    restored = restore_line(
        block[order[row]],
        block[order[row + 1]],
        block[order[row + 2]],
        block[order[row + 3]],
        block[order[row + 4]],
        block[order[row + 5]],
        block[order[row + 6]],
        block[order[row + 7]],
    )
    for x in range(8):
        samples[v, x] = restored[x]


@compile_function
def restore_column(samples: Any, x: int) -> None:
    """Restore column `x` in its place."""
    restored = restore_line(
        samples[0, x],
        samples[1, x],
        samples[2, x],
        samples[3, x],
        samples[4, x],
        samples[5, x],
        samples[6, x],
        samples[7, x],
    )
    for v in range(8):
        samples[v, x] = restored[v]


@compile_function
def clear_counts(own: Any) -> None:
    """Set the block's own counters to zero."""
    for i in range(cuda.threadIdx.x, COUNTED * 256, cuda.blockDim.x):
        own[i >> 8, i & 255] = 0
    cuda.syncthreads()


@compile_function
def add_counts(own: Any, counts: Any) -> None:
    """Add the block's own counters to those of the launch."""
    cuda.syncthreads()
    for i in range(cuda.threadIdx.x, COUNTED * 256, cuda.blockDim.x):
        seen = own[i >> 8, i & 255]
        if seen != 0:
            cuda.atomic.add(counts, (i >> 8, i & 255), seen)


@compile_function
def quantize_dc(coefs: Any, block: int, before: int, step: Any, counts: Any) -> int:
    """Return the DC value of a block, and count its difference to the one of `before`, if any."""
    value: int = nearest(np.float64(coefs[block, 0]) / np.float64(step))
    previous = 0
    if before >= 0:
        previous = nearest(np.float64(coefs[before, 0]) / np.float64(step))
    tally(counts, size_of(abs(value - previous)), 1)
    return value


@compile_kernel
def quantize_blocks(  # noqa: PLR0917
    coefs: Any,
    block_weights: Any,
    visibility: Any,
    links: Any,
    board: Any,
    qcoefs: Any,
    counts: Any,
    errors: Any,
    first_cb: int,
    first_cr: int,
    luma_columns: int,
    chroma_columns: int,
    stride: int,
    is_measured: bool,
) -> None:
    """Quantize every stride-th block; with a stride above 1 amend it, and leave DC as it is.

    Args:
        coefs: (n, 64) zigzag, float32, the components' one after the other; `qcoefs` alike, int16.
        block_weights: (n,), float32; `visibility` and `errors` alike.
        links: (n, 2) int32: the real block before it in the scan or -1, and whether it is real.
        board: (ROWS, 64) float32.
        counts: (COUNTED, 256) int32.
        first_cb: first block of Cb; n where there is none. `first_cr` alike.
        luma_columns: blocks in a row of luma; `chroma_columns` alike.
        stride: as of `codec.rdoq.quantize_ac`.
        is_measured: whether the errors of the blocks are wanted.
    """
    own = cuda.shared.array((COUNTED, 256), np.int32)
    clear_counts(own)
    magnitudes = cuda.local.array(64, np.float32)
    candidates = cuda.local.array(64, np.uint8)
    positions = cuda.local.array(64, np.uint8)
    origins = cuda.local.array(64, np.uint8)
    values = cuda.local.array(64, np.int16)
    costs = cuda.local.array(64, np.float32)
    least = cuda.local.array(64, np.float32)
    block = cuda.grid(1)
    if block < coefs.shape[0]:
        kind = int(block >= first_cb)
        component = kind + int(block >= first_cr)
        columns = chroma_columns if kind else luma_columns
        place = block - (first_cr if component == 2 else first_cb if kind else 0)
        by = place // columns
        if (place - by * columns - by * 3 % stride) % stride == 0:
            if stride > 1:
                discount_block(qcoefs[block], own[AC + kind])
            else:
                before = links[block, 0]
                step = board[STEPS + component, 0]
                if links[block, 1] == 1:
                    qcoefs[block, 0] = quantize_dc(coefs, block, before, step, own[kind])
                else:
                    # Fills up an MCU, at the price of the shortest code.
                    qcoefs[block, 0] = (
                        nearest(np.float64(coefs[before, 0]) / np.float64(step))
                        if before >= 0
                        else 0
                    )
                    tally(own[kind], 0, 1)
            decide_block(
                coefs[block],
                block_weights[block],
                board[INVERSE + component],
                board[SCALES + component],
                board[BITS + 16 * kind : BITS + 16 * kind + 16],
                board[BOUNDS + 16 * kind : BOUNDS + 16 * kind + 16],
                board[SINGLE, END_RATES + kind],
                magnitudes,
                candidates,
                positions,
                origins,
                values,
                costs,
                least,
                qcoefs[block],
                own[AC + kind],
            )
            if is_measured:
                errors[block] = measure_block(
                    coefs[block],
                    qcoefs[block],
                    board[STEPS + component],
                    board[SENSITIVITIES + component],
                    visibility[block],
                    costs,
                )
    add_counts(own, counts)


@compile_kernel
def sketch_blocks(  # noqa: PLR0917
    coefs: Any,
    block_weights: Any,
    visibility: Any,
    sample: Any,
    board: Any,
    counts: Any,
    errors: Any,
    first_cb: int,
    first_cr: int,
    is_measured: bool,
) -> None:
    """Quantize a sample by rule of thumb; arguments as of `quantize_blocks`.

    `sample` (m, 2) int32 has the blocks, and the block before each in the scan; `errors` are the
    sample's. What the blocks are quantized to stays in the threads.
    """
    own = cuda.shared.array((COUNTED, 256), np.int32)
    clear_counts(own)
    magnitudes = cuda.local.array(64, np.float32)
    candidates = cuda.local.array(64, np.uint8)
    stored = cuda.local.array(64, np.int16)
    i = cuda.grid(1)
    if i < sample.shape[0]:
        block = sample[i, 0]
        kind = int(block >= first_cb)
        component = kind + int(block >= first_cr)
        step = board[STEPS + component, 0]
        stored[0] = quantize_dc(coefs, block, sample[i, 1], step, own[kind])
        outline_block(
            coefs[block],
            block_weights[block],
            board[INVERSE + component],
            board[SCALES + component],
            board[BITS + 16 * kind : BITS + 16 * kind + 16],
            magnitudes,
            candidates,
            stored,
            own[AC + kind],
        )
        if is_measured:
            factor = board[SINGLE, FACTORS + component]
            errors[i] = measure_block(
                coefs[block],
                stored,
                board[STEPS + component],
                board[SENSITIVITIES + component],
                times(visibility[block], factor),
                magnitudes,
            )
    add_counts(own, counts)


@compile_kernel
def find_activities(coefs: Any, order: Any, sensitivities: Any, activities: Any) -> None:
    """Restore the samples of every block (n, 64) and fill in what it can hide: (n,) float32.

    `order` is NATURAL_TO_ZIGZAG, `sensitivities` (64,) are those of `codec.weights`.
    """
    samples = cuda.local.array((8, 8), np.float32)
    block = cuda.grid(1)
    if block < coefs.shape[0]:
        for v in range(8):
            restore_row(coefs[block], order, v, samples)
        for x in range(8):
            restore_column(samples, x)
        activities[block] = find_activity(samples, 0, 0, coefs[block], sensitivities)


@compile_kernel
def round_blocks(  # noqa: PLR0917
    coefs: Any, visibility: Any, board: Any, errors: Any, first_cb: int, first_cr: int
) -> None:
    """Fill in the errors of plain rounding; arguments as of `quantize_blocks`."""
    costs = cuda.local.array(64, np.float32)
    block = cuda.grid(1)
    if block < coefs.shape[0]:
        component = int(block >= first_cb) + int(block >= first_cr)
        errors[block] = measure_rounding(
            coefs[block],
            board[STEPS + component],
            board[INVERSE + component],
            board[SENSITIVITIES + component],
            visibility[block],
            costs,
        )
