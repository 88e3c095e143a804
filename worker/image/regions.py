"""Where each class of a photo is: boxes around the parts of its map that are high.

Decision 0048 gives the rule and its reasons; `python -m bench regions` measures it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_REGIONS: Final = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """The constants; `python -m bench regions --half learning --grid` chose them."""

    least_probability: float = 0.5
    """That the photo shows the class at all."""
    least_evidence: float = 0.2
    """Cells belong to the class from this share of its highest evidence on."""
    least_peak: float = 0.5
    """The highest evidence in a region, as a share of the class's highest."""
    least_area: float = 0.01
    """The share of the photo's area that a box has."""
    same_place: float = 0.7
    """Boxes with more than this in common (intersection over union) are the same place."""


RULE: Final = Rule()


class Box(NamedTuple):
    """Edges of a part of a picture, in shares of its sides."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """The share of the picture's area."""
        return (self.right - self.left) * (self.bottom - self.top)


class Region(NamedTuple):
    """A part of a photo that shows a class."""

    name: str
    score: float
    """The probability that the photo shows the class, times the part's share of its highest evidence."""
    box: Box
    salience: float
    """The share of the saliency map's sum that is in the part."""


@dataclass(frozen=True, slots=True)
class ClassMaps:
    """The k classes that a photo may show, and where; cut with the photo."""

    names: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """(k,)"""
    maps: NDArray[np.float32]
    """(k, h, w) evidence at each place, as a share of its highest in the whole photo"""


@dataclass(slots=True)
class Part:
    """Connected cells of a map, in its rows and columns; ``right`` and ``bottom`` are beyond it."""

    left: int
    top: int
    right: int
    bottom: int
    peak: float
    salience: float


def find_regions(
    classes: ClassMaps, saliency: NDArray[np.float32], rule: Rule = RULE
) -> list[Region]:
    """Return the regions of a photo, the most salient first, at most ``MAX_REGIONS``.

    Where two of them are the same place, the one with the higher score is kept. ``saliency`` is (h, w).
    """
    rows, columns = saliency.shape
    total = float(saliency.sum()) or 1.0
    found = []
    for name, probability, evidence in zip(
        classes.names, classes.probabilities.tolist(), classes.maps, strict=True
    ):
        if probability < rule.least_probability:
            continue
        for part in find_parts(evidence, saliency, rule.least_evidence):
            box = Box(
                part.left / columns, part.top / rows, part.right / columns, part.bottom / rows
            )
            if part.peak >= rule.least_peak and box.area >= rule.least_area:
                found.append(Region(name, probability * part.peak, box, part.salience / total))
    found.sort(key=lambda region: -region.score)
    kept: list[Region] = []
    for region in found:
        if all(measure_overlap(region.box, other.box) <= rule.same_place for other in kept):
            kept.append(region)
    kept.sort(key=lambda region: -region.salience)
    return kept[:MAX_REGIONS]


def measure_overlap(one: Box, other: Box) -> float:
    """Return the boxes' intersection over their union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (one.area + other.area - width * height)


def find_parts(
    evidence: NDArray[np.float32], saliency: NDArray[np.float32], least: float
) -> Iterator[Part]:
    """Yield the parts of a map, (h, w), whose cells have at least ``least`` and share an edge.

    A part's salience is the sum of ``saliency``, (h, w), over its cells.
    """
    rows, columns = evidence.shape
    # One more column, so that no run of cells goes from one row to the next.
    stride = columns + 1
    values = np.zeros((rows, stride), np.float32)
    values[:, :columns] = evidence
    sums = np.zeros((rows, stride))
    sums[:, :columns] = saliency
    inside = np.zeros(rows * stride + 1, np.bool_)
    inside[1:] = values.ravel() >= least
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    if not edges.size:
        return
    peaks = np.maximum.reduceat(values.ravel(), edges)[::2].tolist()
    saliences = np.add.reduceat(sums.ravel(), edges)[::2].tolist()
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    parts: dict[int, Part] = {}
    for run, root in enumerate(join_runs(starts, ends, stride)):
        top, left = divmod(starts[run], stride)
        right = left + ends[run] - starts[run]
        part = parts.setdefault(root, Part(left, top, right, top + 1, 0.0, 0.0))
        part.left, part.right = min(part.left, left), max(part.right, right)
        part.bottom = top + 1
        part.peak = max(part.peak, peaks[run])
        part.salience += saliences[run]
    yield from parts.values()


def join_runs(starts: Sequence[int], ends: Sequence[int], stride: int) -> list[int]:
    """Return for each run of cells the first run of its part.

    Runs are from ``starts`` to before ``ends``, in order, in a map whose rows have ``stride`` cells; none
    goes over the end of a row.
    """
    first = list(range(len(starts)))

    def find_first(run: int) -> int:
        while first[run] != run:
            first[run] = first[first[run]]
            run = first[run]
        return run

    above = 0
    for run, (start, end) in enumerate(zip(starts, ends, strict=True)):
        while ends[above] + stride <= start:
            above += 1
        touching = above
        while touching < run and starts[touching] + stride < end:
            one, other = sorted((find_first(touching), find_first(run)))
            first[other] = one
            touching += 1
    return [find_first(run) for run in range(len(first))]
