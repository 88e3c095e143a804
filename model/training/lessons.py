"""What the teachers said of each photo and of its crops, kept in a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.training.photos import Photo


@dataclass(frozen=True)
class Lessons:
    """The teachers' answers, photo by photo; window 0 is the whole photo, the others are crops."""

    names: NDArray[np.str_]  # (N,) folder/file of each photo
    windows: NDArray[np.float32]  # (N, W, 4) as x1, y1, x2, y2 in shares of the sides
    synsets: NDArray[np.float16]  # (N, W, 1000) probabilities
    faces: NDArray[np.float32]  # (N, W) confidence that there is a face, in [0, 1]
    # Class activation maps of the whole photos, of their likeliest synsets.
    cam_synsets: NDArray[np.int16]  # (N, K)
    cam_probabilities: NDArray[np.float32]  # (N, K) of those synsets, 1 where it is the label
    cams: NDArray[np.uint8]  # (N, K, S, S) stretched over the photo, each with a maximum of 255

    def save(self, path: Path) -> None:
        """Write them as .npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path, photos: list[Photo]) -> "Lessons":
        """Read what `save` wrote.

        Raises:
            RuntimeError: they are of other photos.
        """
        with np.load(path) as stored:
            lessons = cls(**stored)
        if lessons.names.tolist() != name_photos(photos).tolist():
            raise RuntimeError(f"{path} is of other photos: remove it, the teachers are asked anew")
        return lessons


def name_photos(photos: list[Photo]) -> NDArray[np.str_]:
    """Return what tells the photos apart wherever they lie: (N,)."""
    return np.array([f"{photo.path.parent.name}/{photo.path.name}" for photo in photos])
