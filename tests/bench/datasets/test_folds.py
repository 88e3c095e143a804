from bench.datasets import folds


def test_each_photo_is_in_exactly_one_fold() -> None:
    names = [f"{number}.jpg" for number in range(200)]
    held = folds.choose_photos(names, "held", None)
    training = folds.choose_photos(names, "training", None)
    assert not set(held) & set(training)
    assert set(held) | set(training) == set(folds.choose_photos(names, None, None)) == set(names)
    assert len(held) < len(training)
    assert folds.choose_photos(names[::-1], "held", 10) == held[:10]
