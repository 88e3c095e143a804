"""Regions: connected parts of class maps, their boxes and scores, and which of them are kept."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from contract import messages
from worker.image.regions import (
    MAX_REGIONS,
    Box,
    ClassMaps,
    Region,
    Rule,
    find_parts,
    find_regions,
    make_smoothing,
)

ROWS, COLUMNS = 20, 30
FLAT = np.full((ROWS, COLUMNS), 0.5, np.float32)
# Independent of what was fitted.
RULE = Rule(
    least_score=0.5,
    least_odds=1e9,
    least_evidence=1.0,
    least_share=0.1,
    least_area=0.01,
    smoothing=0.0,
)


def make_map(*parts: tuple[slice, slice, float]) -> NDArray[np.float32]:
    """Return a map with parts of these values, in multiples of their mean over the photo."""
    found = np.full((ROWS, COLUMNS), 1e-3, np.float32)
    for rows, columns, value in parts:
        found[rows, columns] = value
    return found / found.mean()


def make_classes(probability: float = 0.5, **maps: NDArray[np.float32]) -> ClassMaps:
    """Return classes that are all equally probable."""
    return ClassMaps(
        tuple(maps), np.full(len(maps), probability, np.float32), np.stack([*maps.values()])
    )


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
        saliency = random.uniform(0, 1, shape)
        found = sorted(
            (part.left, part.top, part.right, part.bottom, part.cells, part.evidence, part.salience)
            for part in find_parts(evidence, saliency, 1 - share)
        )
        expected = []
        for cells in find_parts_slowly(evidence >= 1 - share):
            rows, columns = np.array(sorted(cells)).T
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            sums = (each[rows, columns].sum(dtype=float) for each in (evidence, saliency))
            expected.append((*edges, len(cells), *sums))
        assert len(found) == len(expected)
        for one, other in zip(found, sorted(expected), strict=True):
            assert one == pytest.approx(other, rel=1e-5)


def test_a_spiral_is_one_part() -> None:
    evidence = np.ones((9, 9), np.float32)
    evidence[1, :8] = evidence[1:8, 7] = evidence[7, 1:8] = evidence[3:8, 1] = 0
    evidence[3, 1:6] = 0
    (part,) = find_parts(evidence, evidence.astype(float), 0.5)
    assert (part.left, part.top, part.right, part.bottom) == (0, 0, 9, 9)


def test_a_region_has_its_box_in_shares_of_the_sides() -> None:
    classes = make_classes(dog=make_map((slice(5, 15), slice(6, 15), 1.0)))
    (region,) = find_regions(classes, FLAT, RULE)
    assert region.name == "dog"
    assert region.box == (0.2, 0.25, 0.5, 0.75)
    assert region.salience == pytest.approx(90 / 600)


def test_the_score_is_the_test_of_presence_on_the_part_alone() -> None:
    # Mean evidence of the part: 4, that is 4 times the odds of the whole photo.
    parts = (slice(0, 10), slice(0, 15), 4.0)
    evidence = np.zeros((ROWS, COLUMNS), np.float32)
    evidence[parts[:2]] = parts[2]
    (region,) = find_regions(make_classes(0.4, dog=evidence), FLAT, RULE)
    odds = 4 * 0.4 / 0.6
    assert region.score == pytest.approx(odds / (1 + odds), rel=1e-5)
    (sure,) = find_regions(make_classes(1.0, dog=evidence), FLAT, RULE)
    assert 0.999 < sure.score <= 1


def test_regions_of_one_class_lie_apart_and_the_most_salient_comes_first() -> None:
    evidence = make_map((slice(0, 9), slice(0, 9), 1.0), (slice(10, 20), slice(20, 30), 0.8))
    saliency = np.zeros((2 * ROWS, 2 * COLUMNS), np.float32)
    saliency[24, 50] = 1.0
    saliency[4, 4] = 0.5
    right, left = find_regions(make_classes(dog=evidence), saliency, RULE)
    assert (right.box.left, left.box.left) == (20 / 30, 0.0)
    assert right.score < left.score
    assert (right.salience, left.salience) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_places_that_show_the_class_by_themselves_belong_to_it_below_its_mean_too() -> None:
    evidence = np.full((ROWS, COLUMNS), 0.01, np.float32)
    evidence[4:16, 3:24] = 0.6
    evidence[4:16, 24:27] = 20.0
    evidence /= evidence.mean()
    low = float(evidence[5, 5])
    assert low < 0.5
    classes = make_classes(0.8, dog=evidence)  # odds of 4
    for least_odds, left in ((4.1 * low, 24), (3.9 * low, 3)):
        (region,) = find_regions(classes, FLAT, replace(RULE, least_odds=least_odds))
        assert region.box == (left / 30, 0.2, 0.9, 0.8)


def test_what_is_improbable_or_small_is_no_region() -> None:
    whole = (slice(4, 16), slice(4, 20))
    classes = make_classes(dog=make_map((*whole, 1.0)), cat=make_map((*whole, 0.9)))
    rule = RULE
    assert len(find_regions(classes, FLAT, rule)) == 2
    improbable = replace(classes, probabilities=np.array([0.2, 0.5], np.float32))
    assert [one.name for one in find_regions(improbable, FLAT, rule)] == ["cat"]
    unsure = replace(rule, least_score=0.8)
    assert find_regions(make_classes(0.5, dog=FLAT * 4), FLAT, unsure) == []
    assert len(find_regions(make_classes(0.7, dog=FLAT * 4), FLAT, unsure)) == 1
    small = make_classes(dog=make_map((slice(0, 2), slice(0, 3), 1.0)))  # 1 % of the cells
    assert len(find_regions(small, FLAT, replace(rule, least_area=0.01))) == 1
    assert find_regions(small, FLAT, replace(rule, least_area=0.011)) == []
    # A small part of the evidence, beside a large one.
    beside = make_classes(
        dog=make_map((slice(0, 10), slice(0, 10), 1.0), (slice(15, 18), slice(20, 23), 1.0))
    )
    assert len(find_regions(beside, FLAT, replace(rule, least_share=0.08))) == 2
    assert len(find_regions(beside, FLAT, replace(rule, least_share=0.09))) == 1


def test_two_classes_may_have_the_same_place() -> None:
    place = (slice(4, 16), slice(4, 20))
    classes = make_classes(person=make_map((*place, 1.0)), clothing=make_map((*place, 0.9)))
    found = find_regions(classes, FLAT, RULE)
    assert {one.name for one in found} == {"person", "clothing"}
    assert found[0].box == found[1].box


def test_a_map_is_smoothed_before_it_is_cut() -> None:
    random = np.random.default_rng(0)
    evidence = make_map((slice(4, 16), slice(4, 20), 1.0))
    evidence *= random.uniform(0.2, 1.8, evidence.shape).astype(np.float32)
    classes = make_classes(dog=evidence)
    (region,) = find_regions(classes, FLAT, replace(RULE, smoothing=1.0))
    assert region.box == pytest.approx((4 / 30, 4 / 20, 20 / 30, 16 / 20), abs=0.06)
    matrix = make_smoothing(9, 1.0)
    assert matrix.sum(1) == pytest.approx([1.0] * 9)
    assert matrix[4].argmax() == 4
    assert make_smoothing(9, 0.0).tolist() == np.eye(9).tolist()


def test_there_are_at_most_as_many_regions_as_a_reply_may_have() -> None:
    assert MAX_REGIONS == messages.MAX_REGIONS
    checks = np.zeros((64, 64), np.float32)
    checks.reshape(8, 8, 8, 8)[:, :4, :, :4] = 4  # 64 squares
    rule = replace(RULE, least_area=0.0, least_share=0.0)
    saliency = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    found = find_regions(make_classes(dog=checks), saliency, rule)
    assert len(found) == MAX_REGIONS
    assert found[0].box.top == 56 / 64


def test_a_photo_of_nothing_has_no_regions() -> None:
    none = ClassMaps((), np.zeros(0, np.float32), np.zeros((0, ROWS, COLUMNS), np.float32))
    assert find_regions(none, FLAT) == []
    # A map that is zero everywhere has no sum to share.
    whole = make_classes(1.0, dog=2 * FLAT)
    (region,) = find_regions(whole, 0 * FLAT, RULE)
    assert region == Region("dog", pytest.approx(1), Box(0, 0, 1, 1), 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (48, 6)])
def test_maps_of_any_size_are_searched(shape: tuple[int, int]) -> None:
    classes = ClassMaps(("dog",), np.ones(1, np.float32), np.ones((1, *shape), np.float32))
    rule = replace(RULE, smoothing=1.5, least_evidence=0.9)
    for size in ((1, 1), (7, 90), shape):
        (region,) = find_regions(classes, np.ones(size, np.float32), rule)
        assert region.box == (0, 0, 1, 1)
        assert region.salience == pytest.approx(1)


def test_a_place_shows_a_class_by_its_own_odds() -> None:
    maps = np.array([[[1, 3], [0, 0]]], np.float32)
    classes = ClassMaps(("dog",), np.array([0.25], np.float32), maps)
    probability = classes.find_probability("dog", (4, 4))
    assert probability is not None
    # Odds of the photo 1/3, at the places 1/3 and 1.
    assert np.allclose(probability[:2], [0.25, 0.25, 0.5, 0.5])
    assert not probability[2:].any()
    coarser = classes.find_probability("dog", (1, 1))
    assert coarser == pytest.approx(0.25)
    assert classes.find_probability("face", (4, 4)) is None
    sure = replace(classes, probabilities=np.ones(1, np.float32))
    certain = sure.find_probability("dog", (2, 2))
    assert certain is not None
    assert np.isfinite(certain).all()
