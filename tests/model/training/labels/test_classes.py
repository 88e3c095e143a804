import numpy as np
import pytest

from model.classes import ClassEntry, read_classes
from model.training.labels.classes import NUM_SYNSETS, Classes, make_classes


def entry(name: str, synsets: range) -> ClassEntry:
    return ClassEntry(name, name, frozenset(synsets), frozenset(), frozenset())


def test_classes_are_those_of_the_file_in_its_order() -> None:
    classes = make_classes()
    assert classes.names == tuple(found.name for found in read_classes())
    for index, found in enumerate(read_classes()):
        assert set(np.flatnonzero(classes.class_of == index)) == found.synsets
        assert classes[found.name] == index


@pytest.mark.parametrize("last", [999, 1001])
def test_a_synset_in_no_class_or_in_several_is_an_error(last: int) -> None:
    entries = [entry("a", range(500)), entry("b", range(last - 500, NUM_SYNSETS))]
    if last == 999:
        entries[0] = entry("a", range(498))
    with pytest.raises(ValueError, match="exactly one class"):
        make_classes(entries)


def test_pooling_adds_up_the_probabilities_of_each_class() -> None:
    classes = Classes(("a", "b", "c", "person"), np.array([0, 2, 1, 0, 2]))
    probabilities = np.array([[[0.1, 0.2, 0.3, 0.15, 0.25]], [[0, 0, 0, 0, 1]]], np.float32)
    pooled = classes.pool(probabilities)
    assert pooled.dtype == np.float32
    assert pooled == pytest.approx(np.array([[[0.25, 0.3, 0.45, 0]], [[0, 0, 1, 0]]]))


def test_pooling_keeps_the_sum() -> None:
    raw = np.random.default_rng(4).random((2, 3, NUM_SYNSETS), np.float32)
    pooled = make_classes().pool(raw / raw.sum(-1, keepdims=True))
    assert pooled.sum(-1) == pytest.approx(np.ones((2, 3)), abs=1e-5)
