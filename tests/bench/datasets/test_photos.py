from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.photos import Photo, find_photos, locate_gaze, plan_photos, read_photo


def save(path: Path, pixels: np.ndarray) -> Path:  # type: ignore[type-arg]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_a_halved_photo_has_the_means_of_two_by_two_pixels(tmp_path: Path) -> None:
    pixels = np.zeros((5, 4, 3), np.uint8)
    pixels[0:2, 0:2] = [[[10], [20]], [[30], [40]]]
    path = save(tmp_path / "0.png", pixels)
    halved = read_photo(Photo("0.png", path, "", halved=True))
    assert halved.shape == (2, 2, 3)
    assert halved[0, 0].tolist() == [25, 25, 25]


def test_fixations_scale_with_the_photo() -> None:
    assert locate_gaze([(0.5, 0.25)], (100, 200)) == [[100.0, 25.0]]


def test_folders_are_groups_and_a_limit_keeps_the_order_of_hashed_names(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    for name in ("b/1.png", "a/0.png", "2.png"):
        save(tmp_path / name, pixels)
    found = find_photos(tmp_path, {}, None, None)
    assert list(found) == ["2.png", "a/0.png", "b/1.png"]
    planned = plan_photos(found, {}, tmp_path / "maps", halved=False, steps=None)
    assert [photo.group for photo in planned] == ["", "a", "b"]
    assert planned[1].map_path == tmp_path / "maps" / "a" / "0.npy"
    assert len(find_photos(tmp_path, {}, None, 2)) == 2
    held = set(find_photos(tmp_path, {}, "held", None))
    training = set(find_photos(tmp_path, {}, "training", None))
    assert held | training == set(found)
    assert not held & training


def test_the_ladder_ends_at_the_photo_s_own_size(tmp_path: Path) -> None:
    path = save(tmp_path / "0.png", np.zeros((100, 300, 3), np.uint8))
    ladder = plan_photos({"0.png": path}, {}, None, halved=False, steps=4)
    assert [photo.longest_px for photo in ladder] == [64, 107, 179, 300]
    assert read_photo(ladder[0]).shape == (21, 64, 3)


def test_a_photo_too_small_to_be_halved_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path / "0.png", np.zeros((1, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="too small to be halved"):
        read_photo(Photo("0.png", path, "", halved=True))
