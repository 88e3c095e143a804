"""The classes that a photo may show, selected from the network's class maps."""

import numpy as np
import pytest

from model.prediction import LEAST_PROBABILITY, MAX_CLASSES, find_probabilities, select_classes

SALIENCY = np.ones((4, 6), np.float32)


def make_class_maps(means: list[float], features: int = 2) -> np.ndarray:
    """Return class maps, (4, 6, C·D), of classes with these mean evidences."""
    random = np.random.default_rng(0)
    maps = random.uniform(0.5, 1.5, (4, 6, len(means), features))
    maps *= np.array(means)[:, None] / maps.sum(3).mean((0, 1))[:, None]
    return maps.reshape(4, 6, -1).astype(np.float32)


def test_the_most_probable_classes_come_first_and_improbable_ones_not_at_all() -> None:
    class_maps = make_class_maps([0.01, 3.0, 0.5, 30.0])
    found = select_classes(SALIENCY, class_maps, ("a", "b", "c", "d"))
    assert found.saliency is SALIENCY
    assert found.classes == ("d", "b", "c")
    assert found.probabilities.tolist() == pytest.approx([30 / 31, 3 / 4, 1 / 3], rel=1e-5)
    assert found.class_maps.dtype == np.float32


def test_a_class_s_map_is_the_sum_of_its_features_in_squares_with_a_mean_of_one() -> None:
    class_maps = make_class_maps([0.01, 3.0, 5.0], features=3)
    found = select_classes(SALIENCY, class_maps, ("a", "b", "c"))
    assert found.class_maps.shape == (2, 2, 3)
    for name, shown in zip(found.classes, found.class_maps, strict=True):
        index = "abc".index(name)
        evidence = class_maps[..., 3 * index : 3 * index + 3].sum(2)
        squares = evidence.reshape(2, 2, 3, 2).mean((1, 3))
        np.testing.assert_allclose(shown, squares / evidence.mean(), rtol=1e-5)


def test_a_photo_without_a_probable_class_has_no_maps() -> None:
    found = select_classes(SALIENCY, np.zeros((4, 6, 4), np.float32), ("a", "b"))
    assert found.classes == ()
    assert found.probabilities.shape == (0,)
    assert found.class_maps.shape == (0, 2, 3)


def test_few_classes_are_handed_on() -> None:
    count = MAX_CLASSES + 3
    names = tuple(map(str, range(count)))
    found = select_classes(SALIENCY, make_class_maps([1.0 + n for n in range(count)]), names)
    assert found.classes == names[: -MAX_CLASSES - 1 : -1]


def test_a_probability_is_the_sigmoid_of_the_logarithm() -> None:
    evidence = np.array([0.0, 1e-3, 1.0, 4.0, 2e4], np.float32)
    with np.errstate(divide="ignore"):
        expected = 1 / (1 + np.exp(-np.log(evidence.astype(float))))
    np.testing.assert_allclose(find_probabilities(evidence), expected, rtol=1e-5)
    least = LEAST_PROBABILITY / (1 - LEAST_PROBABILITY)
    assert find_probabilities(np.float32([least])) == pytest.approx(LEAST_PROBABILITY)
