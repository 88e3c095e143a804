from collections import Counter

from model.training.folds import FOLDS, fold_of, is_held


def test_a_photo_stays_in_its_fold() -> None:
    # Weights are trained without the held fold: moving a photo would let it leak into them.
    names = {"1001.jpg": 0, "1003.jpg": 4, "1005.jpg": 2, "é.jpg": 4}
    assert {name: fold_of(name) for name in names} == names


def test_folds_are_about_equally_large() -> None:
    sizes = Counter(fold_of(f"{number}.jpg") for number in range(5000))
    assert sorted(sizes) == list(range(FOLDS))
    assert all(900 < size < 1100 for size in sizes.values())


def test_one_fold_is_held() -> None:
    names = [f"{number}.jpg" for number in range(500)]
    assert {fold_of(name) for name in names if is_held(name)} == {0}
    assert {fold_of(name) for name in names if not is_held(name)} == {1, 2, 3, 4}
