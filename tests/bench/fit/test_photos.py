import json
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from bench.datasets.folds import in_fold
from bench.datasets.photos import read_photo
from bench.fit.photos import Split, choose_photos, find_split


def make_folder(folder: Path, suffix: str, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        Image.fromarray(np.zeros((40, 48, 3), np.uint8)).save(folder / f"{name}{suffix}")
    return folder


def test_splits_share_no_photo_and_are_the_same_each_time(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", ".png", [f"{i:03}" for i in range(40)])
    fit, other = (choose_photos([folder], split, 100) for split in get_args(Split))
    paths = {photo.path for photo in fit}
    assert len(fit) > len(other) > 0
    assert not paths & {photo.path for photo in other}
    assert choose_photos([folder], "fit", 100) == fit
    assert choose_photos([folder], "fit", 3) == fit[:3]


def test_held_out_photos_and_kodak_are_never_used(tmp_path: Path) -> None:
    names = [f"{i:03}" for i in range(40)]
    folder = make_folder(tmp_path / "a", ".png", [*names, "kodim01", "kodim24"])
    chosen = [p for split in get_args(Split) for p in choose_photos([folder], split, 100)]
    found = {photo.path.name for photo in chosen}
    assert all(in_fold(name, "training") for name in found)
    assert 0 < len(found) < len(names)
    assert not any(name.startswith("kodim") for name in found)


def test_photos_have_several_sizes_and_those_of_jpegs_leave_their_grid(tmp_path: Path) -> None:
    names = [f"{i:03}" for i in range(40)]
    folders = [
        make_folder(tmp_path / "a", ".jpg", names),
        make_folder(tmp_path / "b", ".png", names),
    ]
    photos = choose_photos(folders, "fit", 100)
    shapes = {(photo.path.suffix, read_photo(photo).shape[:2]) for photo in photos}
    assert shapes == {
        (".jpg", (20, 24)),
        (".jpg", (32, 40)),
        (".png", (20, 24)),
        (".png", (40, 48)),
    }


def test_gaze_is_read_from_the_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", ".png", [f"{i:03}" for i in range(40)])
    seen = next(photo for photo in choose_photos([folder], "fit", 1))
    name = seen.path.name
    recorded = {name: {"width": 48, "height": 40, "fixations_xy": [[24, 10]]}}
    (folder / "fixations.json").write_text(json.dumps(recorded))
    (photo,) = choose_photos([folder], "fit", 100)
    assert photo.path.name == name
    assert photo.fixations_xy == ((0.5, 0.25),)
    assert find_split(photo) == "fit"
