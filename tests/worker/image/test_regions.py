"""Regions: connected parts of class maps, their boxes and scores, and which of them are kept."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from contract import messages
from worker.image.regions import (
    MAX_REGIONS,
    RULE,
    Box,
    ClassMaps,
    Region,
    find_parts,
    find_regions,
    measure_overlap,
)

ROWS, COLUMNS = 20, 30
FLAT = np.full((ROWS, COLUMNS), 0.5, np.float32)


def blank() -> NDArray[np.float32]:
    return np.zeros((ROWS, COLUMNS), np.float32)


def make_map(*parts: tuple[slice, slice, float]) -> NDArray[np.float32]:
    """Return a map with parts of these values."""
    found = blank()
    for rows, columns, value in parts:
        found[rows, columns] = value
    return found


def make_classes(**maps: NDArray[np.float32]) -> ClassMaps:
    """Return classes that are all certain."""
    return ClassMaps(tuple(maps), np.ones(len(maps), np.float32), np.stack([*maps.values()]))


def find_parts_slowly(
    inside: NDArray[np.bool_],
) -> list[set[tuple[int, int]]]:
    """Return the cells of each part, found cell by cell."""
    left = {(int(row), int(column)) for row, column in np.argwhere(inside)}
    parts = []
    while left:
        part, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            part.add((row, column))
            for near in (
                (row - 1, column),
                (row + 1, column),
                (row, column - 1),
                (row, column + 1),
            ):
                if near in left:
                    left.remove(near)
                    edge.append(near)
        parts.append(part)
    return parts


@pytest.mark.parametrize("share", [0.05, 0.4, 0.6, 0.95])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (12, 17), (40, 60)])
def test_parts_are_those_that_a_search_cell_by_cell_finds(
    shape: tuple[int, int], share: float
) -> None:
    random = np.random.default_rng(shape[0] * 100 + int(100 * share))
    for _ in range(10):
        evidence = random.uniform(0.01, 1, shape).astype(np.float32)
        saliency = random.uniform(0, 1, shape).astype(np.float32)
        found = sorted(
            (part.left, part.top, part.right, part.bottom, part.peak, part.salience)
            for part in find_parts(evidence, saliency, 1 - share)
        )
        expected = []
        for cells in find_parts_slowly(evidence >= 1 - share):
            rows, columns = np.array(sorted(cells)).T
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            inside = (rows, columns)
            expected.append((*edges, evidence[inside].max(), saliency[inside].sum(dtype=float)))
        assert [one[:5] for one in found] == [one[:5] for one in sorted(expected)]
        np.testing.assert_allclose(
            [one[5] for one in found], [one[5] for one in sorted(expected)], rtol=1e-6
        )


def test_a_spiral_is_one_part() -> None:
    evidence = np.ones((9, 9), np.float32)
    evidence[1, :8] = evidence[1:8, 7] = evidence[7, 1:8] = evidence[3:8, 1] = 0
    evidence[3, 1:6] = 0
    (part,) = find_parts(evidence, evidence, 0.5)
    assert (part.left, part.top, part.right, part.bottom) == (0, 0, 9, 9)


def test_a_region_has_its_box_in_shares_of_the_sides() -> None:
    classes = make_classes(dog=make_map((slice(5, 15), slice(6, 15), 1.0)))
    assert find_regions(classes, FLAT) == [
        Region("dog", 1.0, Box(0.2, 0.25, 0.5, 0.75), pytest.approx(90 / 600))
    ]


def test_regions_of_one_class_lie_apart_and_the_most_salient_comes_first() -> None:
    evidence = make_map((slice(0, 9), slice(0, 9), 1.0), (slice(10, 20), slice(20, 30), 0.8))
    saliency = blank()
    saliency[12, 25] = 1.0
    saliency[2, 2] = 0.5
    right, left = find_regions(make_classes(dog=evidence), saliency)
    assert (right.box.left, left.box.left) == (20 / 30, 0.0)
    assert (right.score, left.score) == (pytest.approx(0.8), 1.0)
    assert (right.salience, left.salience) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_the_score_is_the_probability_times_the_share_of_the_evidence() -> None:
    classes = replace(
        make_classes(
            dog=make_map((slice(0, 9), slice(0, 9), 1.0), (slice(9, 20), slice(15, 30), 0.75))
        ),
        probabilities=np.array([0.8], np.float32),
    )
    scores = sorted(region.score for region in find_regions(classes, FLAT))
    assert scores == [pytest.approx(0.6), pytest.approx(0.8)]


def test_what_is_improbable_faint_or_small_is_no_region() -> None:
    whole = (slice(4, 16), slice(4, 20))
    classes = make_classes(dog=make_map((*whole, 1.0)), cat=make_map((*whole, 0.9)))
    rule = replace(RULE, least_probability=0.4, least_peak=0.6, same_place=1.0)
    assert len(find_regions(classes, FLAT, rule)) == 2
    improbable = replace(classes, probabilities=np.array([0.39, 1], np.float32))
    assert [one.name for one in find_regions(improbable, FLAT, rule)] == ["cat"]
    faint = replace(classes, maps=classes.maps * np.float32([[[1]], [[0.5]]]))
    assert [one.name for one in find_regions(faint, FLAT, rule)] == ["dog"]
    small = make_classes(dog=make_map((slice(0, 2), slice(0, 3), 1.0)))  # 1 % of the cells
    assert len(find_regions(small, FLAT, replace(rule, least_area=0.01))) == 1
    assert find_regions(small, FLAT, replace(rule, least_area=0.011)) == []


def test_of_two_classes_at_the_same_place_the_surer_one_is_kept() -> None:
    place = (slice(4, 16), slice(4, 20))
    classes = ClassMaps(
        ("wolf", "dog", "person"),
        np.array([0.7, 0.9, 0.6], np.float32),
        np.stack([make_map((*place, 1.0))] * 2 + [make_map((slice(4, 9), slice(4, 20), 1.0))]),
    )
    # The person has half of the dog's box.
    assert [one.name for one in find_regions(classes, FLAT)] == ["dog", "person"]


def test_the_share_that_two_boxes_have_in_common() -> None:
    whole, left, right = Box(0, 0, 1, 1), Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
    assert measure_overlap(whole, whole) == 1
    assert measure_overlap(whole, left) == 0.5
    assert measure_overlap(left, right) == 0
    assert measure_overlap(left, Box(0.25, 0.5, 0.75, 1)) == pytest.approx(0.125 / 0.625)


def test_there_are_at_most_as_many_regions_as_a_reply_may_have() -> None:
    assert MAX_REGIONS == messages.MAX_REGIONS
    checks = np.zeros((64, 64), np.float32)
    checks.reshape(8, 8, 8, 8)[:, :4, :, :4] = 1  # 64 squares
    rule = replace(RULE, least_area=0.0)
    saliency = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    found = find_regions(make_classes(dog=checks), saliency, rule)
    assert len(found) == MAX_REGIONS
    assert found[0].box.top == 56 / 64


def test_a_photo_of_nothing_has_no_regions() -> None:
    none = ClassMaps((), np.zeros(0, np.float32), np.zeros((0, ROWS, COLUMNS), np.float32))
    assert find_regions(none, FLAT) == []
    # A map that is zero everywhere has no sum to share.
    (region,) = find_regions(make_classes(dog=2 * FLAT), blank())
    assert region.salience == 0
