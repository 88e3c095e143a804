"""Trellis quantization of the AC coefficients: every one decided once, by rate and distortion.

For each block the kernel minimises

    w_b · Σ_k f_k · (c_k − q_k·v_k)² / λ  +  bits of the run/size symbols (T.81 F.1.2.2)

over the values v_k exactly, for given symbol rates. A node of the trellis is "k is the last nonzero
coefficient so far"; Viterbi's algorithm keeps the cheapest way to each (Ramchandran and Vetterli,
"Rate-distortion optimal fast thresholding with complete JPEG/MPEG decoder compatibility", IEEE
Trans. Image Processing 3(5), 1994; Crouse and Ramchandran, 1997). Bits depend on a value's size
category only, so the candidates are the rounded value and, for every smaller category, its largest
value: nothing else can be best.
"""

import numpy as np
from numpy.typing import NDArray

from codec.kernel import kernel
from codec.tokens import SIZES

END_OF_BLOCK = 0x00
ZERO_RUN = 0xF0  # ZRL: sixteen zeros
_SIZES = 16


@kernel
def tabulate_rates(rates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return bits[size, run] (16, 64) of "run zeros, then a value of this size", from `rates` (256,).

    Runs beyond 15 contain their ZRL codes, and every entry its appended bits.
    """
    bits = np.zeros((_SIZES, 64), np.float32)
    for size in range(1, _SIZES):
        for run in range(64):
            symbol = (run & 15) * 16 + size
            bits[size, run] = rates[symbol] + rates[ZERO_RUN] * np.float32(run // 16) + size
    return bits


@kernel
def bound_rates(bits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the least bits[size, r] over all runs r ≥ run, shaped as `bits`."""
    bounds = bits.copy()
    for size in range(bits.shape[0]):
        for run in range(bits.shape[1] - 2, -1, -1):
            bounds[size, run] = min(bounds[size, run], bounds[size, run + 1])
    return bounds


@kernel
def size_category(magnitude: int) -> int:
    """Return the bits of `magnitude` (T.81 table F.1)."""
    size = 0
    while magnitude:
        magnitude >>= 1
        size += 1
    return size


@kernel
def quantize_ac(  # noqa: C901, PLR0917 -- calls with arrays cost more than the work; kernels take no keywords
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

    A node's cost is relative to zeroing everything up to it; least[i] is the smallest cost up to
    node i. With the smallest rate of all longer runs it bounds what earlier origins can reach, so
    the search stops after few of them and stays exact.

    Args:
        coefs: (blocks_y, blocks_x, 64) zigzag; `qcoefs` alike.
        block_weights: (blocks_y, blocks_x); 0 makes a block empty.
        inverse_steps: (64,) 1 / quant_table.
        distortion_scales: (64,) f_k · q_k² / λ: bits that a squared error of one step is worth.
        rates: (256,) bits of each symbol, appended bits not counted.
        stride: every stride-th block only, in a diagonal pattern; the others stay as they are.
    """
    bits = tabulate_rates(rates)
    bounds = bound_rates(bits)
    end_rate = rates[END_OF_BLOCK]
    magnitudes = np.empty(64, np.float32)
    candidates = np.empty(64, np.uint8)
    # Of each node: its place, the node before it and its value. Node 0 is "nothing so far".
    positions = np.zeros(64, np.uint8)
    origins = np.zeros(64, np.uint8)
    values = np.zeros(64, np.int16)
    costs = np.zeros(64, np.float32)
    least = np.zeros(64, np.float32)
    for by in range(coefs.shape[0]):
        for bx in range((by * 3) % stride, coefs.shape[1], stride):
            for k in range(64):
                magnitudes[k] = abs(coefs[by, bx, k]) * inverse_steps[k]
            found = list_candidates(magnitudes, candidates)
            weight = block_weights[by, bx]
            best_total = end_rate
            last = 0
            for node in range(1, found + 1):
                k = int(candidates[node - 1])
                magnitude = magnitudes[k]
                scale = distortion_scales[k] * weight
                value = int(magnitude + np.float32(0.5))
                size = int(SIZES[value])
                best, best_origin, best_value = np.float32(np.inf), 0, 0
                cheapest = least[node - 1]
                while size > 0:
                    error = magnitude - np.float32(value)
                    base = error * error * scale
                    if base + cheapest + np.float32(1.0) >= best:
                        break  # smaller values add distortion, and none saves its appended bit
                    if base + cheapest + np.float32(size) < best:
                        for origin in range(node - 1, -1, -1):
                            run = k - positions[origin] - 1
                            if least[origin] + base + bounds[size, run] >= best:
                                break
                            cost = costs[origin] + base + bits[size, run]
                            if cost < best:
                                best, best_origin, best_value = cost, origin, value
                    size -= 1
                    value = (1 << size) - 1
                cost = best - magnitude * magnitude * scale
                costs[node] = cost
                least[node] = min(cheapest, cost)
                positions[node] = k
                origins[node] = best_origin
                values[node] = best_value
                total = cost + (np.float32(0.0) if k == 63 else end_rate)
                if total < best_total:
                    best_total = total
                    last = node
            _store_block(coefs[by, bx], positions, origins, values, last, qcoefs[by, bx], counts)


@kernel
def list_candidates(magnitudes: NDArray[np.float32], candidates: NDArray[np.uint8]) -> int:
    """Fill `candidates` with the AC positions that don't round to zero; return their number.

    Without a branch: which coefficients are small is what a processor can't guess.
    """
    found = 0
    for k in range(1, 64):
        candidates[found] = k
        found += magnitudes[k] >= np.float32(0.5)
    return found


@kernel
def _store_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    positions: NDArray[np.uint8],
    origins: NDArray[np.uint8],
    values: NDArray[np.int16],
    last: int,
    stored: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Walk the trellis back from node `last`, write the values and count their symbols."""
    stored[1:] = 0
    if last == 0 or positions[last] != 63:
        counts[END_OF_BLOCK] += 1
    node = last
    while node > 0:
        position, origin, value = positions[node], origins[node], values[node]
        stored[position] = value if block[position] > 0 else -value
        run = position - positions[origin] - 1
        counts[ZERO_RUN] += run >> 4
        counts[(run & 15) * 16 + SIZES[value]] += 1
        node = origin
