"""Tag trees: numbers on a grid, coded by the minima of ever larger squares (ISO/IEC 15444-1 B.10.2).

A tree takes `count_nodes` rows of an array (nodes, 3), the root first, from row `first` on. Columns: VALUE,
the minimum of the leaves below a node; LOW, which the value is known to reach; KNOWN, whether it has been
coded. A leaf is its row and column, `shape` the rows and columns of leaves.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg2000.packet_bits import read_bit, write_bit

VALUE: Final = 0
LOW: Final = 1
KNOWN: Final = 2
UNKNOWN: Final = 1 << 20
"""Value of a node that is not known, or has no limit: larger than all values that are coded."""


@kernel
def count_levels(rows: int, columns: int) -> int:
    """Return the number of levels of a tree over rows × columns leaves."""
    levels = 1
    while rows > 1 or columns > 1:
        rows, columns = (rows + 1) >> 1, (columns + 1) >> 1
        levels += 1
    return levels


@kernel
def count_nodes(rows: int, columns: int) -> int:
    """Return the number of nodes of a tree over rows × columns leaves."""
    nodes = 0
    for level in range(count_levels(rows, columns)):
        nodes += ((rows - 1 >> level) + 1) * ((columns - 1 >> level) + 1)
    return nodes


@kernel
def make_trees(nodes: int) -> NDArray[np.int32]:
    """Return trees with `nodes` nodes, of UNKNOWN values: (nodes, 3)."""
    trees = np.zeros((nodes, 3), np.int32)
    trees[:, VALUE] = UNKNOWN
    return trees


@kernel
def lower_tag(
    trees: NDArray[np.int32], first: int, shape: tuple[int, int], leaf: tuple[int, int], value: int
) -> None:
    """Lower a leaf to `value`, and the minima above it."""
    rows, columns = shape
    for level in range(count_levels(rows, columns) - 1, -1, -1):
        width = (columns - 1 >> level) + 1
        node = first + (leaf[0] >> level) * width + (leaf[1] >> level)
        trees[node, VALUE] = min(trees[node, VALUE], value)
        first += ((rows - 1 >> level) + 1) * width


@kernel
def decode_tag(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    data: NDArray[np.uint8],
    cursor: NDArray[np.int64],
    trees: NDArray[np.int32],
    first: int,
    shape: tuple[int, int],
    leaf: tuple[int, int],
    threshold: int,
) -> bool:
    """Read what is needed to know whether a leaf's value is below `threshold`; return that."""
    rows, columns = shape
    low = 0
    below = False
    for level in range(count_levels(rows, columns) - 1, -1, -1):
        width = (columns - 1 >> level) + 1
        node = first + (leaf[0] >> level) * width + (leaf[1] >> level)
        low = max(low, trees[node, LOW])
        while low < threshold and low < trees[node, VALUE]:
            if read_bit(data, cursor):
                trees[node, VALUE] = low
            else:
                low += 1
        trees[node, LOW] = low
        below = trees[node, VALUE] < threshold
        first += ((rows - 1 >> level) + 1) * width
    return below


@kernel
def encode_tag(  # noqa: PLR0917 -- kernels take no keyword-only arguments
    out: NDArray[np.uint8],
    cursor: NDArray[np.int64],
    trees: NDArray[np.int32],
    first: int,
    shape: tuple[int, int],
    leaf: tuple[int, int],
    threshold: int,
) -> None:
    """Write what a decoder needs to know whether a leaf's value is below `threshold`."""
    rows, columns = shape
    low = 0
    for level in range(count_levels(rows, columns) - 1, -1, -1):
        width = (columns - 1 >> level) + 1
        node = first + (leaf[0] >> level) * width + (leaf[1] >> level)
        low = max(low, trees[node, LOW])
        while low < threshold:
            if low >= trees[node, VALUE]:
                if not trees[node, KNOWN]:
                    write_bit(out, cursor, 1)
                    trees[node, KNOWN] = 1
                break
            write_bit(out, cursor, 0)
            low += 1
        trees[node, LOW] = low
        first += ((rows - 1 >> level) + 1) * width
