from pathlib import Path

import numpy as np
from PIL import Image

from bench.__main__ import main
from bench.saliency import contact_sheet
from bench.saliency.maps import load_predictors
from tests.photos import photo


def test_the_sheet_contains_the_chosen_photos(tmp_path: Path) -> None:
    folder, out = tmp_path / "images", tmp_path / "maps" / "sheet.jpg"
    folder.mkdir()
    (folder / "fixations.json").write_text("{}")
    for seed in range(3):
        Image.fromarray(photo(120, 90, seed)).save(folder / f"{seed}.png")
    arguments = ["--images", str(folder), "--sheet", str(out), "--sheet-of"]
    assert main(["saliency", *arguments, "0", "2"]) == 0
    with Image.open(out) as sheet:
        assert sheet.size == (2 * contact_sheet.STRIP_PX, 90 + 2 * contact_sheet.LABEL_PX)
    assert main(["saliency", *arguments, "3"]) == 2


def test_a_strip_contains_photo_and_maps_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "tall.png"
    picture = Image.fromarray(photo(300, 400, 1))
    picture.save(path)
    predictors = load_predictors()
    strip = np.asarray(contact_sheet.draw_strip(path, predictors), float)
    assert strip.shape == (200 + contact_sheet.LABEL_PX, 600, 3)
    weak, shipped = strip[:200, 200:350], strip[:200, 400:550]
    assert np.array_equal(weak[..., 0], weak[..., 2])
    for shown, name in ((weak, "foveate_weak"), (shipped, "foveate")):
        saliency_map = predictors[name].predict([predictors[name].prepare(picture)])[0].saliency
        expected = Image.fromarray(saliency_map).resize((150, 200), Image.Resampling.BICUBIC)
        assert np.abs(shown[..., 0] - 255 * np.asarray(expected)).mean() < 2


def test_rows_are_as_high_as_their_highest_photo(tmp_path: Path) -> None:
    paths = []
    for index, size in enumerate([(80, 40), (40, 80), (80, 40), (80, 40)]):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(photo(*size, index)).save(paths[-1])
    contact_sheet.draw_sheet(paths, tmp_path / "sheet.jpg", load_predictors())
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (3 * contact_sheet.STRIP_PX, 80 + 40 + 3 * contact_sheet.LABEL_PX)
