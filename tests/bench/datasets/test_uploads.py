from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.uploads import generate_photo, list_uploads, load_photos, tile_photos, to_jpeg
from tests.photos import photo


def test_only_photos_directly_inside_a_folder_are_listed(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "fixations.json"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.jpg").touch()
    assert list_uploads(tmp_path) == [tmp_path / "a.PNG", tmp_path / "b.jpg"]
    assert list_uploads(tmp_path / "missing") == []


def test_photos_of_a_folder_are_converted_or_left_unchanged(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), "red").save(tmp_path / "b.png")
    (tmp_path / "notes.txt").write_text("no photo")
    photos, described = load_photos(tmp_path, "jpeg")
    assert [photo[:2] for photo in photos] == [b"\xff\xd8"]
    assert described.startswith(f"1 photos of {tmp_path.name}/")
    assert load_photos(tmp_path, "stored")[0] == [(tmp_path / "b.png").read_bytes()]


def test_without_a_folder_photos_are_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.datasets.uploads.GENERATED_PHOTOS", 2)
    photos, described = load_photos(tmp_path / "missing", "jpeg")
    assert len(set(photos)) == len(photos) == 2
    assert "generated" in described


def test_generated_photos_have_about_the_bytes_of_photos() -> None:
    picture = generate_photo(300, 201, seed=1)
    assert picture.size == (300, 201)
    assert to_jpeg(picture) == to_jpeg(generate_photo(300, 201, seed=1))
    bits_per_pixel = 8 * len(to_jpeg(generate_photo(768, 512, seed=1))) / (768 * 512)
    assert 1.0 < bits_per_pixel < 5.0


def test_tiles_are_the_photos_in_order_and_cut_at_the_edges(tmp_path: Path) -> None:
    pictures = [photo(72, 56, seed) for seed in range(2)]
    for seed, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / f"{seed}.png")
    first, second = pictures
    tiled = np.asarray(tile_photos(list_uploads(tmp_path), 200, 130))
    assert tiled.shape == (130, 200, 3)
    assert np.array_equal(tiled[:56, :72], first)
    assert np.array_equal(tiled[:56, 72:144], second)
    assert np.array_equal(tiled[:56, 144:], first[:, :56])
    assert np.array_equal(tiled[56:112, :72], second)
    assert np.array_equal(tiled[112:, :72], first[:18])
    assert np.array_equal(tile_photos(list_uploads(tmp_path), 72, 56, first=1), second)
