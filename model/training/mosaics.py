"""Batches of weak labels: mosaics and whole photos, with the presence of classes in windows and cells.

A single photo has one label. A mosaic has several, and its tiles are windows with known classes. So the place of a class is learnt without boxes. The activation maps of each photo
say which cells of its tile show the object. The teacher sees the whole photo, where the object is
larger than in the mosaic.
"""

from collections import defaultdict
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from model.input_size import choose_input_size, scale_photo
from model.training.labels.targets import Targets
from model.training.photos import Photo

# Rows and columns. Single photos are frequent, as the service receives single photos.
LAYOUTS: Final = ((1, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (2, 3), (3, 2))
# (height, width) of the mosaics, in pixels.
SIZES: Final = ((320, 480), (480, 320), (384, 384), (352, 448), (448, 352))
WINDOWS: Final = 7  # of each mosaic: the whole of it, and tiles
CELL_PX: Final = 16


class WeakTargets(NamedTuple):
    """What B mosaics or photos of one size show, in M windows of each, with C classes."""

    windows: Tensor  # (B, M, 4) as x1, y1, x2, y2 in shares of the sides
    presence: Tensor  # (B, M, C) in [0, 1]
    known: Tensor  # (B, M, C) bool
    cells: Tensor  # (B, C, H/16, W/16) presence in each cell, in [0, 1]
    cells_known: Tensor  # (B, C, H/16, W/16) bool


class WeakBatch(NamedTuple):
    """B mosaics or photos of one size."""

    pixels: Tensor  # (B, H, W, 3) uint8 RGB
    targets: WeakTargets


class MosaicBatches(Dataset[WeakBatch]):
    """Batches of random mosaics. Batch n depends only on the seed and on n, so a run can be resumed at any step."""

    def __init__(
        self, photos: list[Photo], targets: Targets, *, batch_size: int, seed: int
    ) -> None:
        self.photos = photos
        self.targets = targets
        self.batch_size = batch_size
        self.seed = seed

    def __getitem__(self, step: int) -> WeakBatch:
        random = np.random.default_rng((self.seed, step))
        size = SIZES[random.integers(len(SIZES))]
        mosaics = [self.draw_mosaic(size, random) for _ in range(self.batch_size)]
        pixels, *targets = (
            torch.from_numpy(np.stack(field)) for field in zip(*mosaics, strict=True)
        )
        return WeakBatch(pixels, WeakTargets(*targets))

    def draw_mosaic(
        self, size: tuple[int, int], random: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """Return one mosaic of a (height, width): pixels and the fields of `WeakTargets`, without axis B."""
        rows, columns = LAYOUTS[random.integers(len(LAYOUTS))]
        chosen = random.choice(
            len(self.photos), rows * columns, replace=len(self.photos) < rows * columns
        )
        flips = random.random(len(chosen)) < 0.5
        classes = self.targets.presence.shape[-1]
        pixels = np.empty((*size, 3), np.uint8)
        cells = np.empty((classes, size[0] // CELL_PX, size[1] // CELL_PX), np.float32)
        cells_known = np.empty(cells.shape, bool)
        tiles = []
        for tile, (index, flip) in enumerate(zip(chosen, flips, strict=True)):
            row, column = divmod(tile, columns)
            top, bottom = (size[0] * (row + end) // rows for end in (0, 1))
            left, right = (size[1] * (column + end) // columns for end in (0, 1))
            with Image.open(self.photos[index].path) as opened:
                # Stretched to the tile: photos on the web have changed aspect ratios, too.
                scaled = opened.convert("RGB").resize((right - left, bottom - top))
            photo = np.asarray(scaled)
            pixels[top:bottom, left:right] = photo[:, ::-1] if flip else photo
            cell_rows = slice(round(top / CELL_PX), round(bottom / CELL_PX))
            cell_columns = slice(round(left / CELL_PX), round(right / CELL_PX))
            cells[:, cell_rows, cell_columns] = resize_cells(
                self.targets.cells[index],
                (cell_rows.stop - cell_rows.start, cell_columns.stop - cell_columns.start),
                flip=flip,
            )
            cells_known[:, cell_rows, cell_columns] = resize_known(
                self.targets.cells_known[index],
                (cell_rows.stop - cell_rows.start, cell_columns.stop - cell_columns.start),
                flip=flip,
            )
            tiles.append((left, top, right, bottom))
        inside = np.array(tiles) / [size[1], size[0], size[1], size[0]]  # (T, 4)
        presence = self.targets.presence[chosen]  # (T, C)
        known = self.targets.known[chosen]
        whole, whole_known = combine_tiles(presence, known)
        picked = random.choice(len(inside), WINDOWS - 1, replace=len(inside) < WINDOWS - 1)
        return (
            jitter_colours(pixels, random),
            np.concatenate([[[0, 0, 1, 1]], inside[picked]]).astype(np.float32),
            np.concatenate([whole[None], presence[picked]]),
            np.concatenate([whole_known[None], known[picked]]),
            cells,
            cells_known,
        )


class WholePhotoBatches(Dataset[WeakBatch]):
    """Each photo once, at the size at which the service sees it; a batch has photos of one size."""

    def __init__(
        self, photos: list[Photo], targets: Targets, area_px: int, *, batch_size: int, seed: int
    ) -> None:
        self._photos = photos
        self._targets = targets
        of_size: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index, photo in enumerate(photos):
            with Image.open(photo.path) as opened:
                of_size[choose_input_size(*opened.size, area_px)].append(index)
        random = np.random.default_rng(seed)
        self.batches = [
            (size, indices[start : start + batch_size].tolist())
            for size, indices in (
                (size, random.permutation(of_size[size])) for size in sorted(of_size)
            )
            for start in range(0, len(indices), batch_size)
        ]  # (height, width) in pixels and the photos' indices

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> WeakBatch:
        size, indices = self.batches[number]
        pixels = []
        for index in indices:
            with Image.open(self._photos[index].path) as opened:
                pixels.append(np.array(scale_photo(opened, size)))
        return WeakBatch(torch.from_numpy(np.stack(pixels)), self.read_targets(number))

    def read_targets(self, number: int) -> WeakTargets:
        """Return what the photos of a batch show, in one window: the whole."""
        size, indices = self.batches[number]
        side = (size[0] // CELL_PX, size[1] // CELL_PX)
        targets = self._targets
        cells = [resize_cells(targets.cells[index], side, flip=False) for index in indices]
        known = [resize_known(targets.cells_known[index], side, flip=False) for index in indices]
        return WeakTargets(
            torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]).repeat(len(indices), 1, 1),
            torch.from_numpy(targets.presence[indices])[:, None],
            torch.from_numpy(targets.known[indices])[:, None],
            torch.from_numpy(np.stack(cells)),
            torch.from_numpy(np.stack(known)),
        )


def resize_cells(
    cells: NDArray[np.uint8], size: tuple[int, int], *, flip: bool
) -> NDArray[np.float32]:
    """Return a photo's cells at the size of its tile: (C, S, S) -> (C, *size) in [0, 1]."""
    resized = np.zeros((len(cells), *size), np.float32)
    for index in np.flatnonzero(cells.any((1, 2))):
        image = Image.fromarray(cells[index, :, ::-1] if flip else cells[index])
        resized[index] = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
    resized /= 255
    return resized


def resize_known(
    known: NDArray[np.bool_], size: tuple[int, int], *, flip: bool
) -> NDArray[np.bool_]:
    """Return where a photo's cells are known at the size of its tile: (C, S, S) -> (C, *size)."""
    rows, columns = (np.arange(side) * known.shape[1] // side for side in size)
    mirrored = known[..., ::-1] if flip else known
    return mirrored[:, rows[:, None], columns]


def combine_tiles(
    presence: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the presence of each class in at least one tile: (T, C), (T, C) -> (C,), (C,).

    It is known if it is known in all tiles or likely in one.
    """
    certain = np.where(known, presence, 0)
    combined = 1 - np.prod(1 - certain, axis=0)
    return combined.astype(np.float32), known.all(0) | (combined > 0.5)


def jitter_colours(pixels: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the photo with brightness, contrast and colour balance changed a little."""
    gains = random.uniform(0.8, 1.2) * random.uniform(0.93, 1.07, 3)
    offset = random.uniform(-16, 16)
    changed: NDArray[np.uint8] = np.clip(pixels * gains + offset, 0, 255).astype(np.uint8)
    return changed
