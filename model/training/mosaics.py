"""Weak samples: mosaics of photos, with what the teachers say of windows in them.

One photo has one label; a mosaic has several, and its tiles and their crops are windows whose
classes are known. So presence is learnt with its place, without a box. The classifier's activation
maps of each photo alone say which cells of its tile show the object: what is small in a mosaic was
large when the teacher saw it.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from model.training.classes import Classes
from model.training.lessons import Lessons
from model.training.photos import Photo

# Rows and columns; single photos most often, since that is what the service gets.
LAYOUTS: Final = ((1, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (2, 3), (3, 2))
# (height, width) of the samples, in pixels.
SIZES: Final = ((320, 480), (480, 320), (384, 384), (352, 448), (448, 352))
WINDOWS: Final = 12  # of each sample, the whole of it first
CELL_PX: Final = 16
# Synsets less likely than this have no map worth learning.
LEAST_LIKELY: Final = 0.05
# Confidence of the face detector: above there is a face, below there is none.
FACE, NO_FACE = 0.6, 0.25


@dataclass(frozen=True)
class Targets:
    """Presence of each class in each window of each photo, and where it is known."""

    presence: NDArray[np.float32]  # (N, windows, C) in [0, 1]
    known: NDArray[np.bool_]  # (N, windows, C)
    cells: NDArray[np.uint8]  # (N, C, S, S) presence over the photo, 255 is 1
    cells_known: NDArray[np.bool_]  # (N, C)


def make_targets(photos: list[Photo], lessons: Lessons, classes: Classes) -> Targets:
    """Turn the teachers' answers and the photos' labels into presence."""
    # Sums of half precision numbers may be a little above 1.
    groups = classes.pool(lessons.synsets.astype(np.float32)).clip(max=1)  # (N, W, groups)
    presence = np.concatenate([groups, np.zeros((*groups.shape[:2], 2), np.float32)], 2)
    known = np.ones(presence.shape, bool)
    face = lessons.faces >= FACE  # (N, W)
    presence[..., classes.face] = face
    known[..., classes.face] = face | (lessons.faces < NO_FACE)
    presence[..., classes.person] = face
    for index, photo in enumerate(photos):
        if photo.synset is not None:
            presence[index, 0, classes.group_of[photo.synset]] = 1
        if photo.person:
            presence[index, 0, classes.person] = 1
        # Of a crop of somebody only a face says that the person is in it.
        known[index, :, classes.person] = face[index] | (photo.person is False)
        known[index, 0, classes.person] |= photo.person is True
    cells = np.zeros((len(photos), presence.shape[-1], *lessons.cams.shape[2:]), np.uint8)
    for index, maps in enumerate(lessons.cams):
        found = zip(lessons.cam_synsets[index], lessons.cam_probabilities[index], maps, strict=True)
        for synset, probability, cam in found:
            if probability >= LEAST_LIKELY:
                own = cells[index, classes.group_of[synset]]
                np.maximum(own, np.round(cam * probability).astype(np.uint8), out=own)
    # Nobody says where in a photo its people are, only that there are none.
    cells_known = np.ones(cells.shape[:2], bool)
    people = [classes.person, classes.face]
    cells_known[:, people] = known[:, 0, people] & (presence[:, 0, people] == 0)
    return Targets(presence, known, cells, cells_known)


class WeakBatch(NamedTuple):
    """Mosaics of one size."""

    pixels: Tensor  # (B, H, W, 3) uint8 RGB
    windows: Tensor  # (B, WINDOWS, 4) as x1, y1, x2, y2 in shares of the sides
    presence: Tensor  # (B, WINDOWS, C)
    known: Tensor  # (B, WINDOWS, C) bool
    cells: Tensor  # (B, C, H/16, W/16) presence in each cell
    cells_known: Tensor  # (B, C, H/16, W/16) bool


class Mosaics(Dataset[WeakBatch]):
    """Batch number n depends on the seed and on n alone, so a run can go on anywhere."""

    def __init__(
        self,
        photos: list[Photo],
        lessons: Lessons,
        targets: Targets,
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        self.photos = photos
        self.lessons = lessons
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed

    def __getitem__(self, step: int) -> WeakBatch:
        random = np.random.default_rng((self.seed, step))
        size = SIZES[random.integers(len(SIZES))]
        parts = [self.draw_sample(size, random) for _ in range(self.batch_size)]
        return WeakBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True)))

    def draw_sample(
        self, size: tuple[int, int], random: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """Return one mosaic: a `WeakBatch` of it, without the first axis."""
        rows, columns = LAYOUTS[random.integers(len(LAYOUTS))]
        chosen = random.choice(
            len(self.photos), rows * columns, replace=len(self.photos) < rows * columns
        )
        flipped = random.random(len(chosen)) < 0.5
        pixels = np.empty((*size, 3), np.uint8)
        classes = self.targets.presence.shape[-1]
        cells = np.empty((classes, size[0] // CELL_PX, size[1] // CELL_PX), np.float32)
        cells_known = np.empty(cells.shape, bool)
        windows = []
        for tile, (index, flip) in enumerate(zip(chosen, flipped, strict=True)):
            row, column = divmod(tile, columns)
            top, bottom = (size[0] * (row + end) // rows for end in (0, 1))
            left, right = (size[1] * (column + end) // columns for end in (0, 1))
            with Image.open(self.photos[index].path) as opened:
                # Stretched to the tile: a change of aspect that photos on the web have, too.
                scaled = opened.convert("RGB").resize((right - left, bottom - top))
            picture = np.asarray(scaled)
            pixels[top:bottom, left:right] = picture[:, ::-1] if flip else picture
            rows_16 = slice(round(top / CELL_PX), round(bottom / CELL_PX))
            columns_16 = slice(round(left / CELL_PX), round(right / CELL_PX))
            own = stretch_cells(
                self.targets.cells[index],
                (rows_16.stop - rows_16.start, columns_16.stop - columns_16.start),
                flip=flip,
            )
            cells[:, rows_16, columns_16] = own
            cells_known[:, rows_16, columns_16] = self.targets.cells_known[index, :, None, None]
            windows.append(
                place_windows(self.lessons.windows[index], (left, top, right, bottom), flip=flip)
            )
        inside = np.concatenate(windows) / [size[1], size[0], size[1], size[0]]  # (T·W, 4)
        presence = self.targets.presence[chosen]  # (T, W, C)
        known = self.targets.known[chosen]
        whole, whole_known = unite(presence[:, 0], known[:, 0])
        picked = random.choice(len(inside), WINDOWS - 1, replace=len(inside) < WINDOWS - 1)
        return (
            jitter(pixels, random),
            np.concatenate([[[0, 0, 1, 1]], inside[picked]]).astype(np.float32),
            np.concatenate([whole[None], presence.reshape(-1, classes)[picked]]),
            np.concatenate([whole_known[None], known.reshape(-1, classes)[picked]]),
            cells,
            cells_known,
        )


def place_windows(
    windows: NDArray[np.float32], tile: tuple[int, int, int, int], *, flip: bool
) -> NDArray[np.float64]:
    """Return a photo's windows in the pixels of the mosaic that it is a tile of: (W, 4)."""
    left, top, right, bottom = tile
    x1, y1, x2, y2 = windows.T.astype(float)
    if flip:
        x1, x2 = 1 - x2, 1 - x1
    width, height = right - left, bottom - top
    return np.stack([left + x1 * width, top + y1 * height, left + x2 * width, top + y2 * height], 1)


def stretch_cells(
    cells: NDArray[np.uint8], size: tuple[int, int], *, flip: bool
) -> NDArray[np.float32]:
    """Return a photo's cells as those of its tile: (C, S, S) -> (C, *size) in [0, 1]."""
    stretched = np.zeros((len(cells), *size), np.float32)
    for name in np.flatnonzero(cells.any((1, 2))):
        own = Image.fromarray(cells[name, :, ::-1] if flip else cells[name])
        stretched[name] = np.asarray(own.resize(size[::-1], Image.Resampling.BILINEAR))
    stretched /= 255
    return stretched


def unite(
    presence: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return what is in at least one of the tiles: (T, C), (T, C) -> (C,), (C,)."""
    certain = np.where(known, presence, 0)
    united = 1 - np.prod(1 - certain, axis=0)
    return united.astype(np.float32), known.all(0) | (united > 0.5)


def jitter(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Change brightness, contrast and the colours' balance a little."""
    gains = random.uniform(0.8, 1.2) * random.uniform(0.93, 1.07, 3)
    offset = random.uniform(-16, 16)
    changed: NDArray[np.uint8] = np.clip(pixels * gains + offset, 0, 255).astype(np.uint8)
    return changed
