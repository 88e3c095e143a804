"""Made-up code-blocks, for round trips of packets."""

import itertools

import numpy as np
from hypothesis import strategies as st

from codec.jpeg2000.layout import Layout, plan_layout
from codec.jpeg2000.packet_reader import MAX_PASSES, MAX_PLANES, Blocks


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Draw the layout of an image."""
    size = (draw(st.integers(1, 400)), draw(st.integers(1, 400)))
    block = (draw(st.integers(2, 6)), draw(st.integers(2, 6)))
    return plan_layout(size, draw(st.integers(1, 3)), draw(st.integers(0, 5)), block)


@st.composite
def coded(draw: st.DrawFn) -> tuple[Layout, Blocks]:
    """Draw a layout with code-blocks of random passes and bytes, in one to four layers."""
    layout = draw(layouts())
    layers = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.2, 0.7, 1.0]))
    shape = (layout.blocks, layers)
    longest = draw(st.sampled_from([1, 40, 5000])) if layout.blocks < 100 else 40
    passes = rng.integers(1, MAX_PASSES // layers + 1, shape) * (rng.random(shape) < share)
    # A pass may add no byte.
    lengths = rng.integers(0, longest + 1, shape) * (passes > 0)
    starts = lengths.sum(1).cumsum() - lengths.sum(1)
    planes = rng.integers(0, MAX_PLANES, layout.blocks).astype(np.int32)
    planes[passes.sum(1) == 0] = 0
    data = np.frombuffer(rng.bytes(int(lengths.sum())), np.uint8)
    return layout, Blocks(data, starts, planes, accumulate(passes), accumulate(lengths))


def accumulate(
    counts: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Return the sums over the first 0, 1, … layers."""
    return np.pad(counts.cumsum(1), ((0, 0), (1, 0))).astype(np.int32)


def list_contents(blocks: Blocks) -> list[bytes]:
    """Return the bytes of each block in each layer."""
    return [
        blocks.data[start + first : start + last].tobytes()
        for start, lengths in zip(blocks.starts, blocks.lengths, strict=True)
        for first, last in itertools.pairwise(lengths)
    ]
