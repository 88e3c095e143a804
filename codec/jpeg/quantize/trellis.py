"""The trellis of one block's AC coefficients; `codec.jpeg.quantize.rdoq` states what it minimizes."""

import numpy as np
from numpy.typing import NDArray

from codec.jit import inlined
from codec.jpeg.syntax.bit_mask import find_lowest_bit
from codec.jpeg.syntax.symbols import END_OF_BLOCK, SIZES, count_symbols


@inlined
def mark_candidates(
    block: NDArray[np.float32],
    inverse_steps: NDArray[np.float32],
    magnitudes: NDArray[np.float32],
) -> np.uint64:
    """Return the AC positions that are not rounded to zero; fill `magnitudes` (64,) in steps."""
    marked = np.uint64(0)
    for k in range(64):
        magnitudes[k] = abs(block[k]) * inverse_steps[k]
    for k in range(64):
        marked |= np.uint64(magnitudes[k] >= np.float32(0.5)) << np.uint64(k)
    return marked & ~np.uint64(1)


@inlined
def decide_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    weight: np.float32,
    inverse_steps: NDArray[np.float32],
    distortion_scales: NDArray[np.float32],
    bits: NDArray[np.float32],
    bounds: NDArray[np.float32],
    end_rate: np.float32,
    magnitudes: NDArray[np.float32],
    positions: NDArray[np.uint8],
    origins: NDArray[np.uint8],
    values: NDArray[np.int16],
    costs: NDArray[np.float32],
    least: NDArray[np.float32],
    stored: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Fill the AC part of `stored` (64,) and add its symbols to `counts` (256,).

    Node 0 is the block's start; node i stands for "candidate i is the last nonzero coefficient so
    far". A node's cost is relative to zeroing everything up to it. least[i] is the smallest cost of
    the nodes 0 to i; with `bounds`, the least bits of any longer run, it bounds the cost by way of
    earlier nodes. So the search stops early and stays exact. The six arrays from `magnitudes` to
    `least`, each (64,), are scratch memory: they hold each node's position, the node before it
    (origin), its value and its costs.
    """
    waiting = mark_candidates(block, inverse_steps, magnitudes)
    positions[0] = 0
    costs[0] = np.float32(0.0)
    least[0] = np.float32(0.0)
    best_total = end_rate
    node, last = 0, 0
    while waiting != np.uint64(0):
        k = find_lowest_bit(waiting) & 63  # the mask tells the compiler that no index is negative
        waiting &= waiting - np.uint64(1)
        node += 1
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
                break  # with one appended bit only, this and any smaller value still cost more
            if base + cheapest + np.float32(size) < best:
                for origin in range(node - 1, -1, -1):
                    run = k - int(positions[origin]) - 1
                    if least[origin] + base + bounds[size, run] >= best:
                        break
                    cost = costs[origin] + base + bits[size, run]
                    if cost < best:
                        best, best_origin, best_value = cost, origin, value
            size -= 1
            value = (1 << size) - 1
        cost = best - magnitude * magnitude * scale
        costs[node] = cost
        least[node] = min(cost, cheapest)
        positions[node] = k
        origins[node] = best_origin
        values[node] = best_value
        total = cost + (np.float32(0.0) if k == 63 else end_rate)
        if total < best_total:
            best_total = total
            last = node
    store_block(block, positions, origins, values, last, stored, counts)


@inlined
def store_block(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    block: NDArray[np.float32],
    positions: NDArray[np.uint8],
    origins: NDArray[np.uint8],
    values: NDArray[np.int16],
    last: int,
    stored: NDArray[np.int16],
    counts: NDArray[np.int64],
) -> None:
    """Write the values on the path to node `last` to `stored` (64,), and count their symbols."""
    for k in range(1, 64):
        stored[k] = 0
    if last == 0 or int(positions[last]) != 63:
        counts[END_OF_BLOCK] += 1
    node = last
    while node > 0:
        position, origin = int(positions[node]), int(origins[node])
        value = int(values[node])
        stored[position] = value if block[position] > 0 else -value
        run = position - int(positions[origin]) - 1
        count_symbols(run, SIZES[value], 1, counts)
        node = origin
