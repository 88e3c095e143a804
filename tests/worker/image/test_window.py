"""A window lies where a search of all its places finds it, and at the centre where nothing decides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.image.window import (
    FACE_ABOVE,
    LEAST_FACE_CELLS,
    Window,
    add_faces,
    find_focus,
    find_window,
    place_window,
    shape_window,
)

CELL_PX = 8  # the band is a whole number of pixels


def search(
    saliency: NDArray[np.float32], photo_px: tuple[int, int], size: tuple[int, int]
) -> dict[tuple[int, int], float]:
    """Return the score of the window at each (left, top), by sums of pixels."""
    values = saliency.astype(np.float64) - saliency.min()
    pixels = np.kron(values, np.ones((CELL_PX, CELL_PX)))
    half_across, half_down = (
        min(CELL_PX, length // 4) // 2 if length < side else 0
        for side, length in zip(photo_px, size, strict=True)
    )
    scores = {}
    for top in range(photo_px[1] - size[1] + 1):
        for left in range(photo_px[0] - size[0] + 1):
            bottom, right = top + size[1], left + size[0]
            score = pixels[top:bottom, left:right].sum()
            for edge, side in ((left, photo_px[0]), (right, photo_px[0])):
                if 0 < edge < side:
                    band = slice(max(0, edge - half_across), edge + half_across)
                    score -= pixels[top:bottom, band].sum()
            for edge, side in ((top, photo_px[1]), (bottom, photo_px[1])):
                if 0 < edge < side:
                    band = slice(max(0, edge - half_down), edge + half_down)
                    score -= pixels[band, left:right].sum()
            scores[left, top] = score
    return scores


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    quarters=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    free=st.sampled_from(["across", "down", "both"]),
    seed=st.integers(0, 1000),
)
def test_no_other_place_is_better(
    rows: int, columns: int, quarters: tuple[int, int], free: str, seed: int
) -> None:
    saliency = np.random.default_rng(seed).random((rows, columns)).astype(np.float32)
    photo_px = columns * CELL_PX, rows * CELL_PX
    width, height = (min(8 * n, side) for n, side in zip(quarters, photo_px, strict=True))
    size = photo_px[0] if free == "down" else width, photo_px[1] if free == "across" else height
    window = find_window(saliency, photo_px, size)
    scores = search(saliency, photo_px, size)
    assert (window.width, window.height) == size
    assert scores[window.left, window.top] >= max(scores.values()) - 1e-4


@pytest.mark.parametrize("value", [0, 0.3, 1])
@pytest.mark.parametrize("shape", [(1, 1), (6, 8), (5, 7)])
def test_a_flat_map_leaves_the_centre(shape: tuple[int, int], value: float) -> None:
    saliency = np.full(shape, value, np.float32)
    for size in ((60, 120), (160, 30), (160, 120), (40, 20)):
        left, top = (160 - size[0]) // 2, (120 - size[1]) // 2
        assert find_window(saliency, (160, 120), size) == Window(left, top, *size)


def test_of_equal_places_that_nearest_to_the_centre_is_taken() -> None:
    saliency = np.zeros((3, 30), np.float32)
    saliency[1, 4] = saliency[1, 20] = 1
    # No place holds both. Of those that hold the second, with half a cell to the edge, the first.
    assert find_window(saliency, (300, 30), (100, 30)).left == 115


def test_the_window_goes_where_the_map_is_highest() -> None:
    saliency = np.full((6, 12), 0.1, np.float32)
    saliency[2:4, 9:11] = 1
    assert find_window(saliency, (1200, 600), (300, 600)).left in range(800, 901)
    assert find_window(saliency.T, (600, 1200), (600, 300)).top in range(800, 901)


def test_an_edge_does_not_go_through_a_face() -> None:
    # The sum alone would take a part of the second face too.
    saliency = np.zeros((4, 20), np.float32)
    saliency[1:3, 4:8] = 1
    saliency[1:3, 12:14] = 0.9
    window = find_window(saliency, (200, 40), (90, 40))
    assert not 120 < window.left + 90 < 140
    assert window.left <= 40


def mark(rows: slice, columns: slice, shape: tuple[int, int] = (12, 40)) -> NDArray[np.float32]:
    faces = np.zeros(shape, np.float32)
    faces[rows, columns] = 1
    return faces


def test_a_face_moves_the_window_where_the_map_loses_little() -> None:
    saliency = np.full((12, 40), 0.01, np.float32)
    saliency[4:8, 16:20] = 1
    faces = mark(slice(5, 7), slice(13, 14))
    photo_px, size = (400, 120), (100, 120)
    assert find_window(saliency, photo_px, size).left == 150
    # Half a cell left of the face's margin, as far from what is salient on the right.
    assert 105 <= find_window(saliency, photo_px, size, faces).left <= 115
    # What is salient is not given up for a face that is too far away.
    far = mark(slice(5, 7), slice(37, 39))
    assert find_window(saliency, photo_px, (200, 120), far).left <= 155


def test_an_edge_leaves_room_above_a_face() -> None:
    saliency = np.full((40, 12), 0.01, np.float32)
    saliency[22:26, 4:8] = 1
    faces = mark(slice(13, 15), slice(5, 7), (40, 12))
    window = find_window(saliency, (120, 400), (120, 180), faces)
    assert window.top <= 10 * (13 - FACE_ABOVE)
    assert window.top + 180 >= 260


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (4, 4), (12, 40)])
def test_faces_count_in_any_map(shape: tuple[int, int]) -> None:
    faces = np.zeros(shape, np.float32)
    faces[-1, 0] = 1
    flat = np.zeros(shape, np.float32)
    marked = add_faces(flat, faces, 0.5)
    assert marked.shape == shape
    assert (marked > 0).sum() == min(shape[0], 1 + FACE_ABOVE) * min(shape[1], 2)
    find_window(flat, (90, 60), (20, 60), faces)
    saliency = np.random.default_rng(2).random(shape).astype(np.float32)
    added = add_faces(saliency, faces, 0.5).sum() / saliency.sum() - 1
    assert added == pytest.approx(0.5 * min(1, (marked > 0).sum() / LEAST_FACE_CELLS), rel=1e-4)


@pytest.mark.parametrize(
    ("photo_px", "wanted_px", "expected"),
    [
        ((400, 300), (400, 300), (400, 300)),
        ((400, 300), (100, 300), (100, 300)),
        ((400, 300), (4000, 3000), (400, 300)),
        ((400, 300), (800, 800), (300, 300)),
        ((300, 400), (800, 800), (300, 300)),
        ((400, 300), (900, 1600), (169, 300)),
        ((400, 100), (200, 200), (100, 100)),
        ((1, 65_500), (65_500, 1), (1, 1)),
        ((65_500, 1), (1, 65_500), (1, 1)),
        ((1, 1), (65_500, 65_500), (1, 1)),
    ],
)
def test_a_photo_that_is_too_small_keeps_the_shape(
    photo_px: tuple[int, int], wanted_px: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert shape_window(photo_px, wanted_px) == expected


@given(*(st.tuples(st.integers(1, 300), st.integers(1, 300)) for _ in range(2)))
def test_a_crop_of_a_crop_is_the_crop(
    photo_px: tuple[int, int], wanted_px: tuple[int, int]
) -> None:
    once = shape_window(photo_px, wanted_px)
    assert all(1 <= own <= side for own, side in zip(once, photo_px, strict=True)) or (
        once == wanted_px
    )
    assert shape_window(once, wanted_px) == once


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.5, 0.5), (30, 0)),
        ((0, 0), (0, 0)),
        ((1, 1), (60, 0)),
        ((0.3, 0.9), (10, 0)),
        ((0.9, 0), (60, 0)),
    ],
)
def test_a_point_is_in_the_middle_as_far_as_the_edges_allow(
    point: tuple[float, float], expected: tuple[int, int]
) -> None:
    assert place_window((100, 50), (40, 50), point) == Window(*expected, 40, 50)


def test_the_focus_is_the_middle_of_the_best_half() -> None:
    saliency = np.zeros((10, 20), np.float32)
    saliency[8:, 17:] = 1
    # All halves that hold the corner are equal; the one nearest to the centre counts.
    assert find_focus(saliency) == (0.75, 0.75)
    assert find_focus(saliency[::-1, ::-1]) == (0.25, 0.25)
    saliency[:, 13] = 0.1
    saliency[:, 6] = 0.1
    assert find_focus(saliency)[0] == 0.75
    left = np.zeros((10, 20), np.float32)
    left[:, 2:12] = 1
    assert find_focus(left) == (pytest.approx(0.35), pytest.approx(0.5, abs=0.06))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (7, 12)])
@pytest.mark.parametrize("value", [0, 0.5])
def test_the_focus_of_a_flat_map_is_the_centre(shape: tuple[int, int], value: float) -> None:
    focus = find_focus(np.full(shape, value, np.float32))
    for place, cells in zip(focus, reversed(shape), strict=True):
        assert abs(place - 0.5) <= 0.5 / cells
