"""Class activation maps give a box for each class that the classifier finds."""

import numpy as np
import pytest

from bench.regions import cam
from bench.regions.labels import Classes
from tests.photos import photo
from worker.image.regions import Box


def test_the_box_is_that_of_the_largest_part_above_a_fifth_of_the_peak() -> None:
    activation = np.full((10, 20), -1.0, np.float32)
    activation[2:6, 4:12] = 1.0
    activation[8, 18] = 5.0
    assert cam.find_box(activation) == Box(0.2, 0.2, 0.6, 0.6)
    activation[2:6, 4:12] = 0.9
    assert cam.find_box(activation) == Box(0.9, 0.8, 0.95, 0.9)
    assert cam.find_box(np.full((4, 4), -1.0, np.float32)) == Box(0, 0, 1, 1)


def test_each_class_that_is_probable_enough_has_a_region() -> None:
    synsets = {"all": frozenset(range(1000)), "none": frozenset[int]()}
    classes = Classes({name: frozenset() for name in synsets}, synsets)
    found = cam.ClassActivation(classes).find_regions(photo(480, 320))
    assert [one.name for one in found] == ["all"]
    assert found[0].score == pytest.approx(1, abs=1e-4)
    assert 0 < found[0].box.area <= 1
