from pathlib import Path

from bench.datasets import folds


def test_each_photo_is_in_exactly_one_fold() -> None:
    names = [f"{number}.jpg" for number in range(200)]
    held = folds.choose_photos(names, "held", None)
    training = folds.choose_photos(names, "training", None)
    assert not set(held) & set(training)
    assert set(held) | set(training) == set(folds.choose_photos(names, None, None)) == set(names)
    assert len(held) < len(training)
    assert folds.choose_photos(names[::-1], "held", 10) == held[:10]


def test_only_photos_are_found_in_a_folder(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "fixations.json"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    assert folds.find_photos(tmp_path) == [tmp_path / "a.PNG", tmp_path / "b.jpg"]
