"""Training targets: the teachers' soft labels of each photo, and the classes' presence from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.training.labels.classes import Classes
from model.training.photos import FACE, PERSON, TEXT, Photo, is_single

# Activation maps of less likely synsets are ignored.
MIN_CAM_PROBABILITY: Final = 0.05
# Confidence of the face detector: from FACE_CONFIDENCE on a face is present, below
# NO_FACE_CONFIDENCE none is; between them presence is unknown.
FACE_CONFIDENCE, NO_FACE_CONFIDENCE = 0.6, 0.25
# The same for text, by the share of the window's area.
TEXT_SHARE, NO_TEXT_SHARE = 0.005, 0.0005
# On photos with a label the teacher's other classes are mistakes about as often as not.
BESIDE_LABEL: Final = 0.5
# On other photos a class is absent up to this probability, and present from that one on.
MAX_ABSENT, MIN_PRESENT = 0.02, 0.5
# What a body probably covers, in widths and heights of the face beyond its box; and how sure it is.
BODY: Final = (-0.75, 0.0, 0.75, 4.0)
BODY_PRESENCE: Final = 0.8
# Share of a cell from which on what is in the box says something about the cell.
MIN_CELL_SHARE: Final = 0.3


@dataclass(frozen=True)
class SoftLabels:
    """The teachers' predictions for N photos."""

    names: NDArray[np.str_]  # (N,) folder/file of each photo
    synsets: NDArray[np.float16]  # (N, 1000) probabilities
    # (N, F, 5) faces: x1, y1, x2, y2 in shares of the sides, and confidence from 0 to 1
    face_boxes: NDArray[np.float32]
    text: NDArray[np.float32]  # (N,) share of the photo's area that is text
    text_cells: NDArray[np.uint8]  # (N, S, S) share of each cell that is text, 255 is all
    cam_synsets: NDArray[np.int16]  # (N, K): the label and the likeliest synsets
    cams: NDArray[np.uint8]  # (N, K, S, S) their activation maps, each with a maximum of 255

    def save(self, path: Path) -> None:
        """Write them as .npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path, photos: list[Photo]) -> "SoftLabels":
        """Read the labels of these photos from a file of `save`, which may have more.

        Raises:
            RuntimeError: the file lacks some of the photos.
        """
        with np.load(path) as stored:
            fields = dict(stored)
        row_of = {name: row for row, name in enumerate(fields["names"].tolist())}
        rows = [row_of.get(name) for name in name_photos(photos).tolist()]
        if None in rows:
            raise RuntimeError(f"{path} is of other photos: remove it to label the photos again")
        return cls(**{name: values[rows] for name, values in fields.items()})


def name_photos(photos: list[Photo]) -> NDArray[np.str_]:
    """Return each photo's folder/file, which does not depend on where the data lies: (N,)."""
    return np.array([f"{photo.path.parent.name}/{photo.path.name}" for photo in photos])


@dataclass(frozen=True)
class Targets:
    """Presence of each class in each photo and its cells, and where it is known."""

    presence: NDArray[np.float32]  # (N, C) in [0, 1]
    known: NDArray[np.bool_]  # (N, C)
    cells: NDArray[np.uint8]  # (N, C, S, S) presence over the photo, 255 is 1
    cells_known: NDArray[np.bool_]  # (N, C, S, S)


def make_targets(photos: list[Photo], labels: SoftLabels, classes: Classes) -> Targets:
    """Return the presence of classes from the teachers' soft labels and the photos' own labels."""
    # Sums of half precision numbers may slightly exceed 1.
    presence = classes.pool(labels.synsets.astype(np.float32)).clip(max=1)  # (N, C)
    known = np.ones(presence.shape, bool)
    person, face, text = (classes[name] for name in (PERSON, FACE, TEXT))
    confidence = labels.face_boxes[..., 4].max(1)  # (N,)
    presence[:, face] = presence[:, person] = known[:, person] = confidence >= FACE_CONFIDENCE
    known[:, face] = (confidence >= FACE_CONFIDENCE) | (confidence < NO_FACE_CONFIDENCE)
    presence[:, text] = labels.text >= TEXT_SHARE
    known[:, text] = (labels.text >= TEXT_SHARE) | (labels.text < NO_TEXT_SHARE)
    cells, cells_known = make_cells(labels, classes)
    objects = ~np.isin(np.arange(len(classes.names)), (person, face, text))
    for index, photo in enumerate(photos):
        present = np.isin(classes.names, sorted(photo.present))
        absent = np.isin(classes.names, sorted(photo.absent))
        if is_single(photo):
            others = objects & ~present
            presence[index, others] *= BESIDE_LABEL
            cells[index, others] = (cells[index, others] * BESIDE_LABEL).astype(np.uint8)
        else:
            # The classifier knows one class a photo, a scene shows several.
            unsure = objects & ~present & (presence[index] > MAX_ABSENT)
            known[index, unsure & (presence[index] < MIN_PRESENT)] = False
            cells_known[index, objects] = False
        for label in np.flatnonzero(present & objects):
            peak = cells[index, label].max()
            if peak:
                scaled = cells[index, label] / peak * 255
                cells[index, label] = np.round(scaled).astype(np.uint8)
            cells_known[index, label] = bool(peak)
        presence[index, present], known[index, present] = 1, True
        presence[index, absent], known[index, absent] = 0, True
        cells[index, absent], cells_known[index, absent] = 0, True
    return Targets(presence, known, cells, cells_known)


def make_cells(labels: SoftLabels, classes: Classes) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the presence in cells by the teachers alone, and where it is known: (N, C, S, S)."""
    person, face, text = (classes[name] for name in (PERSON, FACE, TEXT))
    shape = (len(labels.names), len(classes.names), *labels.cams.shape[2:])
    cells, known = np.zeros(shape, np.uint8), np.ones(shape, bool)
    for index, maps in enumerate(labels.cams):
        for rank, (synset, cam) in enumerate(zip(labels.cam_synsets[index], maps, strict=True)):
            probability = float(labels.synsets[index, synset])
            if rank == 0:  # the label, however unlikely, or the likeliest
                probability = max(probability, MIN_CAM_PROBABILITY)
            if probability >= MIN_CAM_PROBABILITY:
                own = cells[index, classes.class_of[synset]]
                np.maximum(own, np.round(cam * probability).astype(np.uint8), out=own)
        cells[index, text] = labels.text_cells[index]
        # No teacher finds people without a face; a face's surroundings are unknown.
        cells[index, [person, face]] = 0
        known[index, person] = False
        confidence = labels.face_boxes[index, :, 4].max()
        known[index, face] = not NO_FACE_CONFIDENCE <= confidence < FACE_CONFIDENCE
        for box in labels.face_boxes[index]:
            if box[4] < FACE_CONFIDENCE:
                continue
            covered = cover_cells(box[:4], shape[2])
            cells[index, face] = np.maximum(cells[index, face], covered * 255)
            width, height = box[2] - box[0], box[3] - box[1]
            body = box[:4] + np.multiply(BODY, [width, height, width, height])
            around = np.maximum(covered, BODY_PRESENCE * cover_cells(body, shape[2]))
            cells[index, person] = np.maximum(cells[index, person], around * 255)
            known[index, person] |= around >= MIN_CELL_SHARE * BODY_PRESENCE
    return cells, known


def cover_cells(box: NDArray[np.floating], side: int) -> NDArray[np.float64]:
    """Return the share of each of side × side cells that a box covers: (side, side).

    Args:
        box: (4,) as x1, y1, x2, y2 in shares of the photo's sides; may exceed it.
        side: number of cells along each side.
    """
    edges = np.arange(side + 1) / side
    x1, y1, x2, y2 = np.clip(box, 0, 1)

    def cover(start: float, end: float) -> NDArray[np.float64]:
        overlap = np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1])
        shares: NDArray[np.float64] = np.maximum(overlap, 0) * side
        return shares

    return np.outer(cover(y1, y2), cover(x1, x2))
