"""Where each class of a photo is: boxes around the parts of its map that are high.

Decision 0050 gives the rule and its reasons; `python -m bench regions` measures it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_REGIONS: Final = 16
# The class of faces in model/classes.json.
FACE: Final = "face"


@dataclass(frozen=True, slots=True)
class Rule:
    """The constants; `python -m bench regions --half learning --grid` chooses them."""

    least_score: float = 0.2
    least_odds: float = 1.2
    """Places belong to the class from these odds on that the evidence there shows it."""
    least_evidence: float = 0.5
    """Other places belong to it from this multiple of its mean evidence on."""
    least_share: float = 0.1
    """The share of the class's evidence that is in a region."""
    least_area: float = 0.01
    """The share of the photo's area that a box has."""
    smoothing: float = 1.5
    """Standard deviation of a Gaussian, in places of the map."""


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
    """The probability of the class by the evidence in the part alone: the test of presence, applied to it."""
    box: Box
    salience: float
    """The share of the saliency map's sum that is in the part."""


@dataclass(frozen=True, slots=True)
class ClassMaps:
    """The k classes that a photo may show, and where; cut with the photo."""

    names: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """(k,) of the whole photo"""
    maps: NDArray[np.float32]
    """(k, h, w) ≥ 0: evidence at each place, as a multiple of its mean in the whole photo"""

    def find_probability(self, name: str, shape: tuple[int, int]) -> NDArray[np.float32] | None:
        """Return the probability that a place by itself shows a class; None if the photo shows none.

        ``shape`` is that of the map to return, (h, w).
        """
        if name not in self.names:
            return None
        index = self.names.index(name)
        evidence = self.maps[index] * compute_odds(float(self.probabilities[index]))
        down, across = (
            np.arange(cells) * own // cells
            for cells, own in zip(shape, evidence.shape, strict=True)
        )
        resized = evidence[down[:, None], across]
        probability: NDArray[np.float32] = resized / (1 + resized)
        return probability


@dataclass(slots=True)
class Part:
    """Connected cells of a map, in its rows and columns; ``right`` and ``bottom`` are beyond it."""

    left: int
    top: int
    right: int
    bottom: int
    cells: int
    evidence: float
    """The sum over its cells."""
    salience: float
    """As well."""


def find_regions(
    classes: ClassMaps, saliency: NDArray[np.float32], rule: Rule = RULE
) -> list[Region]:
    """Return the regions of a photo, the most salient first, at most ``MAX_REGIONS``.

    Two classes may have the same place, as a person and their clothing. ``saliency`` is a map of any size.
    """
    _, rows, columns = classes.maps.shape
    # The sum over a place's cells in the map of salience, as a share of the whole.
    small = np.asarray(
        Image.fromarray(saliency).resize((columns, rows), Image.Resampling.BOX), np.float64
    )
    small = small / max(float(small.sum()), 1e-12)
    smooth = make_smoothing(rows, rule.smoothing), make_smoothing(columns, rule.smoothing)
    found = []
    for name, probability, evidence in zip(
        classes.names, classes.probabilities.tolist(), classes.maps, strict=True
    ):
        odds = compute_odds(probability)
        smoothed = smooth[0] @ evidence @ smooth[1].T
        total = float(smoothed.sum())
        least = min(rule.least_odds / odds, rule.least_evidence)
        for part in find_parts(smoothed, small, least):
            box = Box(
                part.left / columns, part.top / rows, part.right / columns, part.bottom / rows
            )
            own_odds = odds * part.evidence / part.cells
            score = own_odds / (1 + own_odds)
            if (
                score >= rule.least_score
                and part.evidence >= rule.least_share * total
                and box.area >= rule.least_area
            ):
                found.append(Region(name, score, box, part.salience))
    found.sort(key=lambda region: -region.salience)
    return found[:MAX_REGIONS]


def compute_odds(probability: float) -> float:
    """Return p / (1 - p), neither 0 nor infinite."""
    return max(probability, 1e-6) / max(1 - probability, 1e-6)


@lru_cache(maxsize=256)
def make_smoothing(cells: int, deviation: float) -> NDArray[np.float32]:
    """Return the matrix that smooths an axis by a Gaussian: (n, n), rows sum to 1; 0 changes nothing."""
    places = np.arange(cells)
    distances = (places[:, None] - places) / max(deviation, 1e-3)
    weights = np.exp(-0.5 * distances**2)
    matrix: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return matrix


def find_parts(
    evidence: NDArray[np.float32], saliency: NDArray[np.float64], least: float
) -> Iterator[Part]:
    """Yield the parts of a map, (h, w), whose cells have at least ``least`` > 0 and share an edge.

    ``saliency`` is a map of the same size, of which each part gets the sum.
    """
    rows, columns = evidence.shape
    # One more column, so that no run of cells goes from one row to the next.
    stride = columns + 1
    values = np.zeros((2, rows, stride))
    values[0, :, :columns] = evidence
    values[1, :, :columns] = saliency
    inside = np.zeros(rows * stride + 1, np.bool_)
    inside[1:] = values[0].ravel() >= least
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    if not edges.size:
        return
    sums = np.add.reduceat(values.reshape(2, -1), edges, axis=1)[:, ::2].tolist()
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    parts: dict[int, Part] = {}
    for run, root in enumerate(join_runs(starts, ends, stride)):
        top, left = divmod(starts[run], stride)
        length = ends[run] - starts[run]
        part = parts.setdefault(root, Part(left, top, 0, 0, 0, 0.0, 0.0))
        part.left, part.right = min(part.left, left), max(part.right, left + length)
        part.bottom = top + 1
        part.cells += length
        part.evidence += sums[0][run]
        part.salience += sums[1][run]
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
