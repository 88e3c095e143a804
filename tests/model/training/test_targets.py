from pathlib import Path

import numpy as np
import pytest

from model.training.classes import FACE, PERSON, Classes
from model.training.photos import Photo
from model.training.targets import (
    FACE_CONFIDENCE,
    MIN_CAM_PROBABILITY,
    NO_FACE_CONFIDENCE,
    SoftLabels,
    Targets,
    make_targets,
    name_photos,
)
from tests.model.training.synthetic import draw_soft_labels

CLASSES = Classes(("a+1", "b+1", PERSON, FACE), np.array([0, 1, 0, 1]))
PERSON_AT, FACE_AT = 2, 3


def targets_of(photo: Photo, faces: list[float]) -> Targets:
    """Return the targets of a photo with a window for each confidence of a face."""
    synsets = np.array([[[0.5, 0.25, 0.125, 0.125]] * len(faces)], np.float16)
    windows = np.zeros((1, len(faces), 4), np.float32)
    cams = np.array([[[[255, 0], [0, 0]], [[0, 255], [0, 0]], [[128, 0], [0, 255]]]], np.uint8)
    labels = SoftLabels(
        name_photos([photo]), windows, synsets, np.array([faces], np.float32),
        np.array([[2, 1, 0]], np.int16),
        np.array([[1, MIN_CAM_PROBABILITY - 0.01, 0.5]], np.float32), cams,
    )  # fmt: skip
    return make_targets([photo], labels, CLASSES)


def test_soft_labels_are_read_as_written(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / name, None, None) for name in ("a.jpg", "b.jpg", "c.jpg")]
    labels = draw_soft_labels(photos)
    path = tmp_path / "new" / "soft_labels.npz"
    labels.save(path)
    found = SoftLabels.load(path, photos)
    for name, written in vars(labels).items():
        read = getattr(found, name)
        assert read.dtype == written.dtype
        assert np.array_equal(read, written), name


def test_soft_labels_of_other_photos_are_an_error(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / name, None, None) for name in ("a.jpg", "b.jpg")]
    path = tmp_path / "soft_labels.npz"
    draw_soft_labels(photos).save(path)
    with pytest.raises(RuntimeError, match="of other photos"):
        SoftLabels.load(path, photos[::-1])


def test_the_data_may_be_moved() -> None:
    here, there = (Photo(Path(root) / "dog" / "1.jpg", None, None) for root in ("here", "there"))
    assert name_photos([here]) == name_photos([there]) == ["dog/1.jpg"]


def test_probabilities_are_summed_by_group_and_known() -> None:
    found = targets_of(Photo(Path("a"), None, None), [0.0, 0.0])
    assert found.presence.shape == found.known.shape == (1, 2, 4)
    assert found.presence[0, :, :2].tolist() == [[0.625, 0.375]] * 2
    assert found.known[..., :2].all()


def test_a_label_is_certain_for_the_photo_but_not_for_its_crops() -> None:
    found = targets_of(Photo(Path("a"), 3, None), [0.0, 0.0])
    assert found.presence[0, :, :2].tolist() == [[0.625, 1.0], [0.625, 0.375]]


def test_a_face_is_unknown_if_the_detector_is_unsure() -> None:
    confidences = [
        *(0.0, NO_FACE_CONFIDENCE - 0.01, NO_FACE_CONFIDENCE),
        *(FACE_CONFIDENCE - 0.01, FACE_CONFIDENCE, 1.0),
    ]
    found = targets_of(Photo(Path("a"), None, None), confidences)
    known = found.known[0, :, FACE_AT]
    assert known.tolist() == [True, True, False, False, True, True]
    assert found.presence[0, known, FACE_AT].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("person", "presence", "known"),
    [
        (None, [0, 1, 0], [False, True, False]),
        (False, [0, 1, 0], [True, True, True]),
        (True, [1, 1, 0], [True, True, False]),
    ],
)
def test_a_person_is_known_from_a_face_or_from_the_folder(
    person: bool | None, presence: list[int], known: list[bool]
) -> None:
    found = targets_of(Photo(Path("a"), None, person), [0.0, 0.9, 0.1])
    assert found.known[0, :, PERSON_AT].tolist() == known
    assert found.presence[0, :, PERSON_AT].tolist() == presence


def test_cells_are_the_maps_of_likely_synsets_times_their_probability() -> None:
    found = targets_of(Photo(Path("a"), synset=2, person=False), [0.0])
    assert found.cells.shape == (1, 4, 2, 2)
    assert found.cells[0, 0].tolist() == [[255, 0], [0, 128]]
    assert not found.cells[0, 1:].any()
    assert found.cells_known.tolist() == [[True] * 4]


@pytest.mark.parametrize(
    ("person", "face", "known"),
    [(None, 0.0, [False, True]), (False, 0.0, [True, True]), (True, 0.0, [False, True]),
     (False, 0.9, [False, False]), (False, NO_FACE_CONFIDENCE, [True, False])],
)  # fmt: skip
def test_cells_of_people_are_known_only_if_there_are_none(
    person: bool | None, face: float, known: list[bool]
) -> None:
    found = targets_of(Photo(Path("a"), None, person), [face])
    assert found.cells_known[0, PERSON_AT:].tolist() == known


def test_presence_is_at_most_one_when_float16_probabilities_are_summed() -> None:
    labels = draw_soft_labels([Photo(Path("a"), None, None)], windows=20)
    sums = labels.synsets.astype(np.float32).sum(-1)
    assert sums.max() > 1
    classes = Classes(("all+999", PERSON, FACE), np.zeros(1000, int))
    found = make_targets([Photo(Path("a"), None, None)], labels, classes).presence
    assert 0.99 < found[..., 0].min() <= found[..., 0].max() <= 1
