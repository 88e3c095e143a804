from pathlib import Path

import numpy as np
import pytest

from model.training.labels.classes import Classes
from model.training.labels.targets import (
    BESIDE_LABEL,
    BODY_PRESENCE,
    FACE_CONFIDENCE,
    MAX_ABSENT,
    MIN_CAM_PROBABILITY,
    MIN_PRESENT,
    NO_FACE_CONFIDENCE,
    NO_TEXT_SHARE,
    TEXT_SHARE,
    SoftLabels,
    Targets,
    cover_cells,
    make_targets,
    name_photos,
)
from model.training.photos import Photo
from tests.model.training.synthetic import draw_soft_labels

# Synsets 0 and 2 are dogs, 1 and 3 cars.
CLASSES = Classes(("dog", "car", "person", "face", "text"), np.array([0, 1, 0, 1]))
DOG, CAR, PERSON, FACE, TEXT = range(5)
SCENE = Photo(Path("a"), 1)


def targets_of(
    photo: Photo,
    *,
    synsets: tuple[float, ...] = (0.5, 0.25, 0.125, 0.125),
    face: tuple[float, ...] = (0.25, 0.25, 0.5, 0.5, 0.0),
    text: float = 0.0,
    best: int = 2,
) -> Targets:
    """Return the targets of a photo, with maps of synset `best`, 1 and 0 over 2×2 cells."""
    cams = np.array([[[255, 0], [0, 0]], [[0, 255], [0, 0]], [[128, 0], [0, 255]]], np.uint8)
    labels = SoftLabels(
        name_photos([photo]), np.array([synsets], np.float16),
        np.array([[face, (0.0,) * 5]], np.float32), np.array([text], np.float32),
        np.array([[[0, 0], [0, 200]]], np.uint8), np.array([[best, 1, 0]], np.int16), cams[None],
    )  # fmt: skip
    return make_targets([photo], labels, CLASSES)


def labelled(name: str, synset: int | None = None) -> Photo:
    return Photo(Path("a"), 1, synset, frozenset({name}), frozenset({"person", "face"}))


def test_soft_labels_are_read_as_written(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / name, 1) for name in ("a.jpg", "b.jpg", "c.jpg")]
    labels = draw_soft_labels(photos)
    path = tmp_path / "new" / "soft_labels.npz"
    labels.save(path)
    found = SoftLabels.load(path, photos)
    for name, written in vars(labels).items():
        read = getattr(found, name)
        assert read.dtype == written.dtype
        assert np.array_equal(read, written), name


def test_soft_labels_of_other_photos_are_an_error(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / name, 1) for name in ("a.jpg", "b.jpg")]
    path = tmp_path / "soft_labels.npz"
    draw_soft_labels(photos).save(path)
    with pytest.raises(RuntimeError, match="of other photos"):
        SoftLabels.load(path, [*photos, Photo(tmp_path / "c.jpg", 1)])


def test_soft_labels_of_some_photos_are_read_in_their_order(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / name, 1) for name in ("a.jpg", "b.jpg", "c.jpg")]
    path, labels = tmp_path / "soft_labels.npz", draw_soft_labels(photos)
    labels.save(path)
    found = SoftLabels.load(path, [photos[2], photos[0]])
    for name, written in vars(labels).items():
        assert np.array_equal(getattr(found, name), written[[2, 0]]), name


def test_the_data_may_be_moved() -> None:
    here, there = (Photo(Path(root) / "dog" / "1.jpg", 1) for root in ("here", "there"))
    assert name_photos([here]) == name_photos([there]) == ["dog/1.jpg"]


def test_a_label_is_certain_and_other_classes_are_less_likely() -> None:
    found = targets_of(labelled("car"))
    assert found.presence[0, [DOG, CAR]].tolist() == [0.625 * BESIDE_LABEL, 1]
    assert found.known.all()


def test_in_a_scene_a_class_is_unknown_unless_the_classifier_is_sure() -> None:
    sure = (MIN_PRESENT + 0.1, MAX_ABSENT / 2, 0.0, 0.0)
    assert targets_of(SCENE, synsets=sure).known[0, [DOG, CAR]].tolist() == [True, True]
    unsure = (MIN_PRESENT - 0.1, MAX_ABSENT * 2, 0.0, 0.0)
    assert targets_of(SCENE, synsets=unsure).known[0, [DOG, CAR]].tolist() == [False, False]


def test_what_a_photo_is_told_to_show_or_not_is_known() -> None:
    photo = Photo(Path("a"), 1, None, frozenset({"dog", "person"}), frozenset({"car", "text"}))
    found = targets_of(photo, text=TEXT_SHARE)
    assert found.presence[0, [DOG, CAR, PERSON, TEXT]].tolist() == [1, 0, 1, 0]
    assert found.known[0, [DOG, CAR, PERSON, TEXT]].all()
    assert not found.cells[0, [CAR, TEXT]].any()
    assert found.cells_known[0, [CAR, TEXT]].all()


@pytest.mark.parametrize(
    ("confidence", "known"),
    [(0.0, True), (NO_FACE_CONFIDENCE - 0.01, True), (NO_FACE_CONFIDENCE, False),
     (FACE_CONFIDENCE - 0.01, False), (FACE_CONFIDENCE, True), (1.0, True)],
)  # fmt: skip
def test_a_face_is_unknown_if_the_detector_is_unsure(confidence: float, known: bool) -> None:
    found = targets_of(SCENE, face=(0.25, 0.25, 0.5, 0.5, confidence))
    assert found.known[0, FACE] == known
    assert found.cells_known[0, FACE].all() == known
    if known:
        assert found.presence[0, FACE] == (confidence >= FACE_CONFIDENCE)
    # No face proves a person; none proves nothing.
    assert found.known[0, PERSON] == (confidence >= FACE_CONFIDENCE)


@pytest.mark.parametrize(
    ("share", "present", "known"),
    [(0.0, 0, True), (NO_TEXT_SHARE, 0, False), (TEXT_SHARE, 1, True)],
)
def test_text_is_present_from_a_share_of_the_photo_on(
    share: float, present: int, known: bool
) -> None:
    found = targets_of(SCENE, text=share)
    assert (found.presence[0, TEXT], found.known[0, TEXT]) == (present, known)
    assert found.cells[0, TEXT].tolist() == [[0, 0], [0, 200]]


def test_cells_of_a_label_are_its_maps_at_full_scale() -> None:
    found = targets_of(labelled("dog", 2))
    # Synset 2 with 1/8, synset 0 with 1/2.
    assert found.cells[0, DOG].tolist() == [[128, 0], [0, 255]]
    assert found.cells[0, CAR].max() == round(255 * 0.25 * BESIDE_LABEL)
    assert found.cells_known[0, [DOG, CAR]].all()


def test_a_label_without_a_map_has_unknown_cells() -> None:
    found = targets_of(labelled("car"), synsets=(0.9, MIN_CAM_PROBABILITY / 2, 0.0, 0.0))
    assert not found.cells_known[0, CAR].any()


def test_cells_of_people_are_their_faces_and_probably_their_bodies() -> None:
    found = targets_of(SCENE, face=(0.0, 0.0, 0.5, 0.5, 0.9))
    assert found.cells[0, FACE].tolist() == [[255, 0], [0, 0]]
    body = round(255 * BODY_PRESENCE)
    assert found.cells[0, PERSON, 0].tolist() == pytest.approx([255, body * 0.75], abs=1)
    assert found.cells[0, PERSON, 1, 0] == pytest.approx(body, abs=1)
    assert found.cells_known[0, PERSON].all()
    nobody = targets_of(SCENE)
    assert not nobody.cells_known[0, PERSON].any()
    assert nobody.cells_known[0, FACE].all()


def test_a_cell_is_covered_in_part() -> None:
    covered = cover_cells(np.array([-1.0, 0.25, 0.75, 0.5]), 2)
    assert covered.tolist() == [[0.5, 0.25], [0, 0]]


def test_presence_is_at_most_one_when_float16_probabilities_are_summed() -> None:
    labels = draw_soft_labels([SCENE])
    labels.synsets[:] = np.float16(0.0011)
    assert labels.synsets.astype(np.float32).sum() > 1
    classes = Classes(("all", "person", "face", "text"), np.zeros(1000, int))
    found = make_targets([SCENE], labels, classes).presence
    assert 0.99 < found[..., 0].min() <= found[..., 0].max() <= 1
