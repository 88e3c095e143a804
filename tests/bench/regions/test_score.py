"""Regions are right where they cover an object of their class, and on nothing where there is none."""

import pytest

from bench.regions.labels import Classes, Labelled
from bench.regions.score import count, covers, measure_overlap, summarise
from worker.image.regions import Box, Region

CLASSES = Classes(
    {
        "dog": frozenset({"dog"}),
        "vehicle": frozenset({"car", "bus"}),
        "face": frozenset({"person"}),
        "tower": frozenset(),
    },
    {},
)
WHOLE, LEFT, RIGHT, TINY = (
    Box(0, 0, 1, 1),
    Box(0, 0, 0.5, 1),
    Box(0.5, 0, 1, 1),
    Box(0.7, 0.7, 0.8, 0.8),
)


def region(name: str, box: Box) -> Region:
    return Region(name, 0.9, box, 0.1)


def test_an_object_is_found_by_a_region_of_a_right_class_over_its_middle() -> None:
    objects = [Labelled("bus", LEFT)]
    for regions, found, framed in (
        ([region("vehicle", LEFT)], 1, 1),
        ([region("vehicle", WHOLE)], 1, 1),
        ([region("vehicle", Box(0.2, 0.4, 0.3, 0.6))], 1, 0),
        ([region("vehicle", Box(0.3, 0, 0.5, 1))], 0, 0),
        ([region("dog", LEFT)], 0, 0),
        ([], 0, 0),
    ):
        counts = count(objects, regions, CLASSES)
        assert (counts["objects"], counts["found"], counts["framed"]) == (1, found, framed)


def test_small_objects_and_those_of_other_categories_are_not_looked_for() -> None:
    objects = [Labelled("dog", TINY), Labelled("kite", WHOLE)]
    assert count(objects, [region("dog", WHOLE)], CLASSES)["objects"] == 0


def test_a_region_is_on_nothing_if_it_overlaps_no_object_of_its_class() -> None:
    objects = [Labelled("dog", TINY), Labelled("car", LEFT)]
    regions = [
        region("dog", RIGHT),  # a small dog is a dog
        region("dog", LEFT),
        region("vehicle", RIGHT),
        region("vehicle", WHOLE),
        region("face", WHOLE),
        region("tower", WHOLE),
    ]
    counts = count(objects, regions, CLASSES)
    assert (counts["regions"], counts["on_nothing"], counts["unjudged"]) == (5, 3, 1)


def test_shares_are_over_all_photos() -> None:
    first = count([Labelled("dog", LEFT)], [region("dog", WHOLE)], CLASSES)
    second = count([Labelled("car", LEFT)] * 3, [region("dog", WHOLE)], CLASSES)
    assert summarise([first, second]) == {
        "objects": 4,
        "found": 0.25,
        "framed": 0.25,
        "regions": 2,
        "on_nothing": 0.5,
        "mean_score": 0.9,
        "unjudged": 0,
    }
    assert summarise([])["found"] == 0


@pytest.mark.parametrize(("box", "expected"), [(LEFT, True), (WHOLE, True), (RIGHT, False)])
def test_a_box_covers_the_middle_of_another(box: Box, *, expected: bool) -> None:
    assert covers(box, Box(0.1, 0.1, 0.5, 0.5)) == expected


def test_the_share_that_two_boxes_have_in_common() -> None:
    whole, left, right = Box(0, 0, 1, 1), Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
    assert measure_overlap(whole, whole) == 1
    assert measure_overlap(whole, left) == 0.5
    assert measure_overlap(left, right) == 0
    assert measure_overlap(left, Box(0.25, 0.5, 0.75, 1)) == pytest.approx(0.125 / 0.625)
