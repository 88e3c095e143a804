"""Recorded gaze: photos with their fixations, and training batches of them."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from model.config import MAP_STRIDE
from model.input_size import choose_input_size, scale_photo
from model.training.mosaics import jitter_colours
from model.training.photos import fold_of

# Standard deviation of a fixation's Gaussian, in pixels of the input: half a sample of the map. A
# wider one blurs the map itself (docs/research/training.md).
FIXATION_SIGMA_PX: Final = 4.0
# Share of 2×2 mosaics among the samples, each photo with a quarter of the gaze. Without them the
# network learns that a photo has one salient place, and misses objects.
MOSAIC_SHARE: Final = 0.2
FITTING_PHOTOS: Final = 300
# Crops keep at least this share of each side. Smaller ones lack the places that nobody looked at.
MIN_CROP_SHARE: Final = 0.8


@dataclass(frozen=True)
class Record:
    """A photo and the fixations of all its observers."""

    path: Path
    set: str  # name of its folder: the data set
    size: tuple[int, int]  # width, height in pixels
    fixations: NDArray[np.float64]  # (n, 2) as x, y in shares of the sides, 0 <= x, y < 1

    @property
    def fold(self) -> int:
        """The photo's fold."""
        return fold_of(self.path.name)


def read_records(root: Path) -> list[Record]:
    """Return the photos with fixations in `root`/<set>/fixations.json, sorted by set and name.

    Fixations outside the photo are dropped.

    Raises:
        FileNotFoundError: no set has a fixations.json.
    """
    files = sorted(root.glob("*/fixations.json"))
    if not files:
        raise FileNotFoundError(f"no */fixations.json below {root}")
    records = []
    for file in files:
        for name, photo in sorted(json.loads(file.read_text("utf-8")).items()):
            size = (photo["width"], photo["height"])
            shares = np.array(photo["fixations_xy"], float).reshape(-1, 2) / size
            inside = shares[((shares >= 0) & (shares < 1)).all(1)]
            if len(inside):
                records.append(Record(file.parent / name, file.parent.name, size, inside))
    return records


def subsample_records(records: list[Record]) -> list[Record]:
    """Return at most `FITTING_PHOTOS` evenly spaced records: enough for fitting two constants."""
    return records[:: -(-len(records) // FITTING_PHOTOS)]


def fixation_density(
    fixations: NDArray[np.float64], height: int, width: int
) -> NDArray[np.float32]:
    """Return the density of fixations over the network's map: (n, 2) -> (h, w), its sum is 1."""
    sigma = FIXATION_SIGMA_PX / MAP_STRIDE
    columns = gaussian_weights(fixations[:, 0] * width, width, sigma)  # -> (n, w)
    rows = gaussian_weights(fixations[:, 1] * height, height, sigma)  # -> (n, h)
    return (rows.T @ columns / len(fixations)).astype(np.float32)


def gaussian_weights(centres: NDArray[np.float64], size: int, sigma: float) -> NDArray[np.float64]:
    """Return a Gaussian around each centre over an axis: (n,) -> (n, size), rows sum to 1."""
    samples = np.arange(size) + 0.5
    weights = np.exp(-0.5 * ((samples - centres[:, None]) / sigma) ** 2)
    normalised: NDArray[np.float64] = weights / weights.sum(1, keepdims=True)
    return normalised


class GazeBatch(NamedTuple):
    """B photos of one input size and the density of fixations on each."""

    pixels: Tensor  # (B, H, W, 3) uint8 RGB
    density: Tensor  # (B, H/8, W/8), each sums to 1


class GazeBatches(Dataset[GazeBatch]):
    """Batches of photos with gaze. Batch n depends only on the seed and on n, so runs can resume."""

    def __init__(self, records: list[Record], *, area_px: int, batch_size: int, seed: int) -> None:
        self.by_size: dict[tuple[int, int], list[Record]] = defaultdict(list)
        for record in records:
            self.by_size[choose_input_size(*record.size, area_px)].append(record)
        self.batch_size = batch_size
        self.seed = seed

    def __getitem__(self, step: int) -> GazeBatch:
        random = np.random.default_rng((self.seed, step))
        sizes = sorted(self.by_size)
        counts = np.array([len(self.by_size[size]) for size in sizes])
        size = sizes[random.choice(len(sizes), p=counts / counts.sum())]
        records = self.by_size[size]
        chosen = random.choice(len(records), min(self.batch_size, len(records)), replace=False)
        samples = [
            draw_mosaic(records, size, random)
            if random.random() < MOSAIC_SHARE
            else draw_view(records[index], size, random)
            for index in chosen
        ]
        pixels, density = (np.stack(field) for field in zip(*samples, strict=True))
        return GazeBatch(torch.from_numpy(pixels), torch.from_numpy(density))


def draw_view(
    record: Record, size: tuple[int, int], random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a randomly cropped and flipped photo and its density: (H, W, 3), (H/8, W/8)."""
    share = random.uniform(MIN_CROP_SHARE, 1) if random.random() < 0.5 else 1.0
    corner = random.uniform(0, 1 - share, 2)
    fixations = (record.fixations - corner) / share
    fixations = fixations[((fixations >= 0) & (fixations < 1)).all(1)]
    if not len(fixations):
        share, corner, fixations = 1.0, np.zeros(2), record.fixations
    box = (*corner * record.size, *(corner + share) * record.size)
    with Image.open(record.path) as opened:
        pixels = np.asarray(scale_photo(opened, size, box))
    if random.random() < 0.5:
        pixels = pixels[:, ::-1]
        fixations = fixations * [-1, 1] + [1 - 1e-9, 0]
    density = fixation_density(fixations, size[0] // MAP_STRIDE, size[1] // MAP_STRIDE)
    return jitter_colours(pixels, random), density


def draw_mosaic(
    records: list[Record], size: tuple[int, int], random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a 2×2 mosaic, each photo with a quarter of the gaze: (H, W, 3), (H/8, W/8)."""
    half = (size[0] // 2, size[1] // 2)
    tiles = [draw_view(records[random.integers(len(records))], half, random) for _ in range(4)]
    pixels, densities = zip(*tiles, strict=True)
    return tile_two_by_two(pixels), (tile_two_by_two(densities) / 4).astype(np.float32)


def tile_two_by_two(tiles: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return four equal arrays as one of twice the height and width."""
    return np.concatenate([np.concatenate(tiles[:2], 1), np.concatenate(tiles[2:], 1)], 0)
