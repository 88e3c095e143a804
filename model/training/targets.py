"""Training targets: the teachers' soft labels of each photo, and the classes' presence from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.training.classes import Classes
from model.training.photos import Photo

# Activation maps of less likely synsets are ignored.
MIN_CAM_PROBABILITY: Final = 0.05
# Confidence of the face detector: from FACE_CONFIDENCE on a face is present, below
# NO_FACE_CONFIDENCE none is; between them presence is unknown.
FACE_CONFIDENCE, NO_FACE_CONFIDENCE = 0.6, 0.25


@dataclass(frozen=True)
class SoftLabels:
    """The teachers' predictions for N photos and W windows of each: the whole photo, then crops."""

    names: NDArray[np.str_]  # (N,) folder/file of each photo
    windows: NDArray[np.float32]  # (N, W, 4) as x1, y1, x2, y2 in shares of the sides
    synsets: NDArray[np.float16]  # (N, W, 1000) probabilities
    faces: NDArray[np.float32]  # (N, W) confidence that there is a face, in [0, 1]
    # Class activation maps of the K likeliest synsets of each whole photo.
    cam_synsets: NDArray[np.int16]  # (N, K)
    cam_probabilities: NDArray[np.float32]  # (N, K) of those synsets; 1 for the photo's own label
    cams: NDArray[np.uint8]  # (N, K, S, S) stretched over the photo, each with a maximum of 255

    def save(self, path: Path) -> None:
        """Write them as .npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path, photos: list[Photo]) -> "SoftLabels":
        """Read a file of `save`.

        Raises:
            RuntimeError: the file is of other photos.
        """
        with np.load(path) as stored:
            labels = cls(**stored)
        if labels.names.tolist() != name_photos(photos).tolist():
            raise RuntimeError(f"{path} is of other photos: remove it to label the photos again")
        return labels


def name_photos(photos: list[Photo]) -> NDArray[np.str_]:
    """Return each photo's folder/file, which does not depend on where the data lies: (N,)."""
    return np.array([f"{photo.path.parent.name}/{photo.path.name}" for photo in photos])


@dataclass(frozen=True)
class Targets:
    """Presence of each class in each window of each photo, and where it is known."""

    windows: NDArray[np.float32]  # (N, W, 4) as x1, y1, x2, y2 in shares of the sides
    presence: NDArray[np.float32]  # (N, W, C) in [0, 1]
    known: NDArray[np.bool_]  # (N, W, C)
    cells: NDArray[np.uint8]  # (N, C, S, S) presence over the photo, 255 is 1
    cells_known: NDArray[np.bool_]  # (N, C)


def make_targets(photos: list[Photo], labels: SoftLabels, classes: Classes) -> Targets:
    """Return the presence of classes from the teachers' soft labels and the photos' own labels."""
    # Sums of half precision numbers may slightly exceed 1.
    groups = classes.pool(labels.synsets.astype(np.float32)).clip(max=1)  # (N, W, groups)
    presence = np.concatenate([groups, np.zeros((*groups.shape[:2], 2), np.float32)], 2)
    known = np.ones(presence.shape, bool)
    face = labels.faces >= FACE_CONFIDENCE  # (N, W)
    presence[..., classes.face] = face
    known[..., classes.face] = face | (labels.faces < NO_FACE_CONFIDENCE)
    presence[..., classes.person] = face
    for index, photo in enumerate(photos):
        if photo.synset is not None:
            presence[index, 0, classes.group_of[photo.synset]] = 1
        if photo.person:
            presence[index, 0, classes.person] = 1
        # In a crop of a photo with people, only a face proves that a person is inside.
        known[index, :, classes.person] = face[index] | (photo.person is False)
        known[index, 0, classes.person] |= photo.person is True
    cells = np.zeros((len(photos), presence.shape[-1], *labels.cams.shape[2:]), np.uint8)
    for index, maps in enumerate(labels.cams):
        cams = zip(labels.cam_synsets[index], labels.cam_probabilities[index], maps, strict=True)
        for synset, probability, cam in cams:
            if probability >= MIN_CAM_PROBABILITY:
                group = cells[index, classes.group_of[synset]]
                np.maximum(group, np.round(cam * probability).astype(np.uint8), out=group)
    # No label says where the people in a photo are, only that there are none.
    cells_known = np.ones(cells.shape[:2], bool)
    people = [classes.person, classes.face]
    cells_known[:, people] = known[:, 0, people] & (presence[:, 0, people] == 0)
    return Targets(labels.windows, presence, known, cells, cells_known)
