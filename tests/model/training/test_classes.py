from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.training.classes import FACE, PERSON, Classes, group_synsets, read_words
from tests.model.training.synthetic import write_synsets

WORDS = [f"word{index}" for index in range(1000)]
# Three directions. The second row is the centre of the first group, the last that of the third.
ROWS = np.array(
    [[0.2, 1], [0, 1], [-0.2, 1], [5, 0], [-1, 0.3], [-1, -0.3], [-7, 0]],
    np.float32,
)


@pytest.fixture(scope="module")
def weights() -> NDArray[np.float32]:
    return np.random.default_rng(3).normal(size=(1000, 16)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 60, 1000])
def test_every_synset_is_in_one_group_and_no_group_is_empty(
    weights: NDArray[np.float32], count: int
) -> None:
    classes = group_synsets(weights, WORDS, count)
    assert classes.group_of.shape == (1000,)
    assert set(classes.group_of.tolist()) == set(range(count))
    assert len(classes.names) == len(set(classes.names)) == count + 2


def test_rows_are_grouped_by_direction_not_by_length() -> None:
    classes = group_synsets(ROWS, list("abcdefg"), 3)
    assert classes.group_of.tolist() == [0, 0, 0, 1, 2, 2, 2]


def test_a_group_is_named_by_its_central_synset_and_the_number_of_others() -> None:
    classes = group_synsets(ROWS, list("abcdefg"), 3)
    assert classes.names == ("b+2", "d+0", "g+2", PERSON, FACE)
    assert classes.names[classes.person] == "person"
    assert classes.names[classes.face] == "face"


def test_groups_are_in_the_order_of_their_first_synset(weights: NDArray[np.float32]) -> None:
    classes = group_synsets(weights, WORDS, 60)
    firsts = [int(np.argmax(classes.group_of == group)) for group in range(60)]
    assert firsts == sorted(firsts)


def test_grouping_again_gives_the_same_groups(weights: NDArray[np.float32]) -> None:
    first, second = (group_synsets(weights.copy(), WORDS, 60) for _ in range(2))
    assert first.names == second.names
    assert np.array_equal(first.group_of, second.group_of)


def test_groups_of_one_each_are_the_synsets_themselves(weights: NDArray[np.float32]) -> None:
    classes = group_synsets(weights, WORDS, 1000)
    assert classes.group_of.tolist() == list(range(1000))
    assert classes.names == (*(f"{word}+0" for word in WORDS), PERSON, FACE)


def test_a_single_group_has_the_whole_probability(weights: NDArray[np.float32]) -> None:
    classes = group_synsets(weights, WORDS, 1)
    assert classes.names[0].endswith("+999")
    assert classes.pool(np.full((1, 1000), 0.001, np.float32)) == pytest.approx(1.0, abs=1e-4)


def test_pooling_adds_up_the_probabilities_of_each_group() -> None:
    classes = Classes(("a+1", "b+0", "c+1", PERSON, FACE), np.array([0, 2, 1, 0, 2]))
    probabilities = np.array([[[0.1, 0.2, 0.3, 0.15, 0.25]], [[0, 0, 0, 0, 1]]], np.float32)
    pooled = classes.pool(probabilities)
    assert pooled.dtype == np.float32
    assert pooled == pytest.approx(np.array([[[0.25, 0.3, 0.45]], [[0, 0, 1]]]))


def test_pooling_keeps_the_sum(weights: NDArray[np.float32]) -> None:
    classes = group_synsets(weights, WORDS, 60)
    raw = np.random.default_rng(4).random((2, 3, 1000), np.float32)
    pooled = classes.pool(raw / raw.sum(-1, keepdims=True))
    assert pooled.shape == (2, 3, 60)
    assert pooled.sum(-1) == pytest.approx(np.ones((2, 3)), abs=1e-5)


def test_words_are_read_by_class_index_not_by_row(tmp_path: Path) -> None:
    write_synsets(tmp_path, ["n03", "n01", "n02"])
    assert read_words(tmp_path / "imagenet_synsets.tsv") == ["word0", "word1", "word2"]
