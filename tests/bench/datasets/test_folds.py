from pathlib import Path

from bench.datasets import folds as photos


def test_the_folds_share_no_photo_and_miss_none() -> None:
    names = [f"{number}.jpg" for number in range(200)]
    held = photos.choose_photos(names, "held", None)
    training = photos.choose_photos(names, "training", None)
    assert not set(held) & set(training)
    assert set(held) | set(training) == set(photos.choose_photos(names, None, None)) == set(names)
    assert len(held) < len(training)
    assert photos.choose_photos(names[::-1], "held", 10) == held[:10]


def test_only_photos_are_found_in_a_folder(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "fixations.json"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    assert photos.find_photos(tmp_path) == [tmp_path / "a.PNG", tmp_path / "b.jpg"]
