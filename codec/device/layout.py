"""Where the blocks of a picture lie on the device: all components in one row, luma first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.component import Component
from codec.sample import place_sample


@dataclass(frozen=True, slots=True)
class Layout:
    """The same for all pictures of one geometry."""

    starts: tuple[int, ...]
    """First block of each component, and behind the last one of all."""
    columns: tuple[int, ...]
    """Blocks in a row of each component."""
    links: NDArray[np.int32]
    """(n, 2): the real block before it in the scan or -1, and 1 for a real block, else 0."""
    sample: NDArray[np.int32]
    """(m, 2): the blocks of a sketch, and the block before each in the scan."""
    sampled: tuple[int, ...]
    """How many of them each component has."""

    @property
    def blocks(self) -> int:
        """How many there are."""
        return self.starts[-1]


Geometry = tuple[tuple[int, ...], ...]


def describe_geometry(components: Sequence[Component]) -> Geometry:
    """Return what a layout depends on."""
    return tuple(
        (*c.coefs.shape[:2], c.real_rows, c.real_columns, c.vertical, c.horizontal)
        for c in components
    )


def lay_out(components: Sequence[Component]) -> Layout:
    """Return the layout of pictures with these components' geometry."""
    starts = [0]
    links, sample = [], []
    for component, places in zip(components, place_sample(components), strict=True):
        rows, columns = component.coefs.shape[:2]
        start = starts[-1]
        links.append(_link_blocks(component, start))
        of_sample = (
            places.rows * columns + places.columns,
            places.rows_before * columns + places.columns_before,
        )
        sample.append(np.stack(of_sample, axis=1) + start)
        starts.append(start + rows * columns)
    return Layout(
        tuple(starts),
        tuple(c.coefs.shape[1] for c in components),
        np.concatenate(links).astype(np.int32),
        np.concatenate(sample).astype(np.int32),
        tuple(len(own) for own in sample),
    )


def _link_blocks(component: Component, start: int) -> NDArray[np.int64]:
    """Return the links (n, 2) of a component whose first block has the number `start`."""
    rows, columns = component.coefs.shape[:2]
    vertical, horizontal = component.vertical, component.horizontal
    numbers = np.arange(rows * columns).reshape(rows, columns)
    mcus = numbers.reshape(rows // vertical, vertical, columns // horizontal, horizontal)
    in_scan = mcus.swapaxes(1, 2).ravel()
    is_real = np.zeros((rows, columns), bool)
    is_real[: component.real_rows, : component.real_columns] = True
    real_in_scan = is_real.ravel()[in_scan]
    # Where in the scan the latest real block is, itself included; then the one before.
    latest = np.maximum.accumulate(np.where(real_in_scan, np.arange(in_scan.size), -1))
    before = np.concatenate(([-1], latest[:-1]))
    links = np.empty((in_scan.size, 2), np.int64)
    links[in_scan, 0] = np.where(before < 0, -1, in_scan[before] + start)
    links[in_scan, 1] = real_in_scan
    return links
