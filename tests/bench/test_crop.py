"""Crops are measured by gaze and by faces, ours beside libvips', smartcrop's and the centre."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import crop
from bench.__main__ import main
from tests.photos import photo
from worker.image.window import Window

pyvips = pytest.importorskip("pyvips")
pytest.importorskip("smartcrop")

CROPPERS = [
    "centre",
    "focus",
    "foveate",
    "most_gaze",
    "smartcrop",
    "vips_attention",
    "vips_entropy",
]


def test_every_photo_of_a_fold_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "fixations" / "osie"
    folder.mkdir(parents=True)
    recorded = {}
    for number in range(8):
        name = f"{number}.jpg"
        Image.fromarray(photo(160, 120, number)).save(folder / name)
        recorded[name] = {"width": 160, "height": 120, "fixations_xy": [[80, 60], [1, 1]]}
    recorded["0.jpg"]["fixations_xy"] = []  # nobody looked
    (folder / "fixations.json").write_text(json.dumps(recorded))
    monkeypatch.setenv("FOVEATE_DATA", str(tmp_path))
    out = tmp_path / "crop.json"
    arguments = ["--sets", "osie", "--fold", "training", "--limit", "2", "--out", str(out)]
    assert main(["crop", *arguments]) == 0
    result = json.loads(out.read_text())
    assert 1 <= result["meta"]["photos"]["osie"] <= 2
    assert result["meta"]["cpu_ms_per_crop"] > 0
    assert list(result["summary"]["osie"]) == list(crop.SHAPES)
    for row in result["summary"]["osie"].values():
        assert sorted(row) == CROPPERS
        assert row["centre"]["gaze"] == 0.5
        assert row["most_gaze"]["gaze"] >= max(means["gaze"] for means in row.values())
    assert "foveate" in capsys.readouterr().out


def test_a_window_of_libvips_is_where_its_pixels_are() -> None:
    pixels = photo(160, 120, seed=4)
    picture = pyvips.Image.new_from_array(pixels, interpretation="srgb")
    for kind in crop.VIPS:
        window = crop.vips_cropper(picture, kind)((60, 80))
        cut = picture.smartcrop(60, 80, interesting=kind).numpy()
        rows = pixels[window.top : window.top + 80, window.left : window.left + 60]
        assert np.array_equal(cut, rows)


def test_faces_are_whole_cut_or_outside() -> None:
    window = Window(10, 10, 20, 20)
    fixations = (np.array([15, 50, 9, 29]), np.array([15, 50, 15, 29]))
    faces = [
        crop.Face(10, 10, 20, 20),  # whole
        crop.Face(5, 12, 15, 22),  # cut
        crop.Face(0, 12, 10, 22),  # outside
        crop.Face(0, 0, 40, 15),  # does not fit
    ]
    found = crop.measure(window, fixations, faces)
    assert found == {
        "gaze": 0.5,
        "faces": 3,
        "whole": 1,
        "cut": 1,
        "together": 0,
        "kept": 0,
    }
    assert crop.measure(window, fixations, None) == {"gaze": 0.5}


def test_faces_that_one_window_holds_should_be_whole() -> None:
    fixations = (np.array([15]), np.array([15]))
    faces = [crop.Face(10, 10, 20, 20), crop.Face(22, 12, 32, 22)]
    for left, kept in ((10, 1), (12, 1), (5, 1), (9, 1), (40, 0)):
        found = crop.measure(Window(left, 8, 20, 20), fixations, faces)
        assert found["together"] == 0
        found = crop.measure(Window(left, 8, 22, 20), fixations, faces)
        assert (found["together"], found["kept"]) == (2, 2 if left == 10 else kept)
    assert crop.measure(Window(0, 0, 20, 20), fixations, [])["together"] == 0


def test_the_most_gaze_is_that_of_the_best_of_all_windows() -> None:
    rows, columns = np.random.default_rng(1).integers(0, (12, 17), (30, 2)).T
    window = crop.find_most_gaze((rows, columns), (17, 12), (6, 5))
    shares = {
        (left, top): crop.measure(Window(left, top, 6, 5), (rows, columns), None)["gaze"]
        for left in range(12)
        for top in range(8)
    }
    assert (window.width, window.height) == (6, 5)
    assert shares[window.left, window.top] == max(shares.values())


def test_smartcrop_finds_the_colourful_part() -> None:
    pixels = np.full((120, 240, 3), 128, np.uint8)
    pixels[40:80, 180:220] = np.random.default_rng(3).integers(0, 2, (40, 40, 1)) * (255, 60, 0)
    window = crop.find_by_smartcrop(Image.fromarray(pixels), (100, 120))
    assert (window.width, window.height) == (100, 120)
    assert window.left <= 180
    assert window.left + 100 >= 220


def test_object_position_shows_a_share_of_what_is_left_over() -> None:
    assert crop.show_at((100, 50), (40, 50), (0.75, 0.5)) == Window(45, 0, 40, 50)


def test_shapes_are_the_largest_of_their_kind() -> None:
    assert crop.shape_of((800, 600), (9, 16)) == (338, 600)
    assert crop.shape_of((800, 600), (1, 1)) == (600, 600)
