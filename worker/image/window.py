"""Where a crop lies in its photo: at a place, or where the saliency map is highest."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]  # (width, height) in pixels

# Sums that differ by less than this share of the map's own count as equal: rounding, and flat maps.
TIE: Final = 1e-6
# Width of the band around a cut edge: in cells of the map, and at most as a share of the window's side.
BAND_CELLS: Final = 1.0
WIDEST_BAND: Final = 0.25
# What all faces of a photo count together, as a share of the map's sum, times photo's area by window's.
# Chosen on photos used for training (docs/research/crops.md), as is the next.
FACES_SHARE: Final = 1 / 8
# The cells by which a face is higher than the places that show it, eyes and nose. On other sides it is one.
FACE_ABOVE: Final = 3
# Faces of fewer cells together count less: the network is not sure of them.
LEAST_FACE_CELLS: Final = 4.0


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an upright photo, in its pixels."""

    left: int
    top: int
    width: int
    height: int


def shape_window(photo_px: Size, wanted_px: Size) -> Size:
    """Return the size of the window: ``wanted_px``, or the largest of that shape if the photo is smaller.

    The shorter side of the latter is rounded up, so that a crop of the window is the window itself.
    """
    (width, height), (across, down) = photo_px, wanted_px
    if across <= width and down <= height:
        return wanted_px
    if width * down <= height * across:
        return width, -(-width * down // across)
    return -(-height * across // down), height


def place_window(photo_px: Size, window_px: Size, point: tuple[float, float]) -> Window:
    """Return the window with ``point``, in shares of the sides, in its middle as far as the edges allow."""
    left, top = (
        min(max(0, round(share * side - length / 2)), side - length)
        for side, length, share in zip(photo_px, window_px, point, strict=True)
    )
    return Window(left, top, *window_px)


def find_window(
    saliency: NDArray[np.float32],
    photo_px: Size,
    window_px: Size,
    faces: NDArray[np.float32] | None = None,
) -> Window:
    """Return the window in which the map's sum, less its sum along the cut edges, is largest.

    Sums are of what the map has above its lowest value, and of faces. Along an edge counts what is
    within half a cell; an edge of the photo is not cut. So part of a face adds little, and an edge
    through it costs. Of equal windows that nearest to the centre is returned.

    Args:
        saliency: (h, w) ≥ 0; within a cell, all pixels have its value.
        photo_px: the photo's size.
        window_px: the window's size, at most the photo's.
        faces: (h, w) in [0, 1], the probability that a cell shows a face; None if no face is known.
    """
    # A level that the map has everywhere says nothing; it would only favour the photo's edges.
    values = saliency - saliency.min()
    if faces is not None:
        share = window_px[0] * window_px[1] / (photo_px[0] * photo_px[1])
        values = add_faces(values, faces, FACES_SHARE / share)
    return _find_best(values, photo_px, window_px)


def add_faces(
    values: NDArray[np.float32], faces: NDArray[np.float32], weight: float
) -> NDArray[np.float32]:
    """Return a map plus faces, each with a margin, whose sum is ``weight`` times the map's: (h, w)."""
    tall = faces.copy()
    for cells in range(1, FACE_ABOVE + 1):
        np.maximum(tall[:-cells], faces[cells:], out=tall[:-cells])
    np.maximum(tall[1:], faces[:-1], out=tall[1:])
    marked = tall.copy()
    np.maximum(marked[:, 1:], tall[:, :-1], out=marked[:, 1:])
    np.maximum(marked[:, :-1], tall[:, 1:], out=marked[:, :-1])
    # Faces decide on a flat map.
    total = float(values.sum()) or 1.0
    sums: NDArray[np.float32] = values + (
        weight * total / max(float(marked.sum()), LEAST_FACE_CELLS) * marked
    )
    return sums


def _find_best(values: NDArray[np.float32], photo_px: Size, window_px: Size) -> Window:
    if window_px[0] == photo_px[0] and window_px[1] < photo_px[1]:
        turned = _find_best(values.T, photo_px[::-1], window_px[::-1])
        return Window(turned.top, turned.left, *window_px)
    rows, columns = values.shape
    across = Axis(photo_px[0], window_px[0], columns)
    down = Axis(photo_px[1], window_px[1], rows)
    lefts, tops = across.list_starts(), down.list_starts()
    scores = np.empty((len(tops), len(lefts)))
    for i, top in enumerate(tops):
        inside = down.weigh_window(top) @ values
        scores[i] = across.sum_window(inside - down.weigh_edges(top) @ values, lefts)
        scores[i] -= across.sum_edges(inside, lefts)
    is_best = scores >= scores.max() - TIE * values.sum()
    off_centre = np.hypot(down.measure_offset(tops)[:, None], across.measure_offset(lefts))
    best = np.where(is_best, off_centre, np.inf).argmin()
    top, left = divmod(int(best), len(lefts))
    return Window(int(lefts[left]), int(tops[top]), *window_px)


def find_focus(saliency: NDArray[np.float32]) -> tuple[float, float]:
    """Return the point of a photo to keep in view, (x, y) in shares of its sides.

    It is the middle of the half of the photo's width with the largest sum of the map, (h, w), and of
    such a half of its height.
    """
    return _find_middle(saliency.sum(axis=0)), _find_middle(saliency.sum(axis=1))


def _find_middle(values: NDArray[np.float32]) -> float:
    """Return the middle of the half with the largest sum; of equal ones that nearest to the centre."""
    sums = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    length = (len(values) + 1) // 2
    halves = sums[length:] - sums[:-length]
    best = np.flatnonzero(halves >= halves.max() - TIE * sums[-1])
    middles = (best + length / 2) / len(values)
    return float(middles[np.abs(middles - 0.5).argmin()])


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a photo, of its window in pixels, and of its map in cells."""

    side: int
    length: int
    cells: int

    @property
    def band(self) -> float:
        """The width of the band around a cut edge, in pixels."""
        return min(BAND_CELLS * self.side / self.cells, WIDEST_BAND * self.length)

    def list_starts(self) -> NDArray[np.int64]:
        """Return starts of the window of which one is best, whatever the map is.

        Between those at which an edge of the window or of a band meets an edge of cells, scores are
        linear. Next to the photo's edges they jump.
        """
        last = self.side - self.length
        if last == 0:
            return np.zeros(1, np.int64)
        edges = np.arange(self.cells + 1) * (self.side / self.cells)
        shifts = np.array([0.0, self.length])[:, None] + self.band * np.array([0.0, -0.5, 0.5])
        turns = np.floor(edges - shifts.reshape(-1, 1)).astype(np.int64).ravel()
        starts = np.concatenate((turns, turns + 1, (0, 1, last // 2, last - 1, last)))
        return np.unique(np.clip(starts, 0, last))

    def measure_offset(self, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how far off the centre the window is from each start, in shares of the side."""
        return (2 * starts + self.length - self.side) / (2 * self.side)

    def sum_window(
        self, values: NDArray[np.float64], starts: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the sums of values of cells (cells,) in the window from each start."""
        return self._sum(values, starts, starts + self.length)

    def sum_edges(
        self, values: NDArray[np.float64], starts: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the sums in the bands around the window's cut edges, as above."""
        half, ends = self.band / 2, starts + self.length
        first = self._sum(values, starts - half, starts + half) * (starts > 0)
        second = self._sum(values, ends - half, ends + half) * (ends < self.side)
        sums: NDArray[np.float64] = first + second
        return sums

    def weigh_window(self, start: int) -> NDArray[np.float64]:
        """Return how much of each cell is in the window: (cells,)."""
        return self._weigh(start, start + self.length)

    def weigh_edges(self, start: int) -> NDArray[np.float64]:
        """Return how much of each cell is in the bands around the window's cut edges: (cells,)."""
        half, end = self.band / 2, start + self.length
        first = self._weigh(start - half, start + half) * (start > 0)
        weights: NDArray[np.float64] = first + self._weigh(end - half, end + half) * (
            end < self.side
        )
        return weights

    def _sum(
        self, values: NDArray[np.float64], begin: NDArray[Any], end: NDArray[Any]
    ) -> NDArray[np.float64]:
        sums = np.concatenate(([0.0], np.cumsum(values)))
        edges = np.arange(self.cells + 1) * (self.side / self.cells)
        found: NDArray[np.float64] = np.interp(end, edges, sums) - np.interp(begin, edges, sums)
        return found

    def _weigh(self, begin: float, end: float) -> NDArray[np.float64]:
        cells = np.arange(self.cells)
        scale = self.cells / self.side
        inside = np.minimum(cells + 1, end * scale) - np.maximum(cells, begin * scale)
        weights: NDArray[np.float64] = np.clip(inside, 0.0, 1.0)
        return weights
