from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.training.labels.targets import Targets
from model.training.mosaics import (
    CELL_PX,
    SIZES,
    WINDOWS,
    MosaicBatches,
    WholePhotoBatches,
    combine_tiles,
    resize_cells,
    resize_known,
)
from model.training.photos import Photo
from tests.model.training.synthetic import write_photo

# Eight colours that remain distinct under any jitter: each channel is dark or bright.
DARK, BRIGHT, BETWEEN = 40, 200, 100
COLOURS = np.array([[colour >> bit & 1 for bit in range(3)] for colour in range(8)])
WHOLE = [0, 0, 1, 1]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    """Return photos with the colour of their number on the left half and the next colour on the right."""
    folder = tmp_path_factory.mktemp("photos")
    found = []
    for number in range(8):
        halves = COLOURS[[number, (number + 1) % 8]]  # (2, 3)
        pixels = np.where(halves, BRIGHT, DARK).astype(np.uint8)
        wide = np.broadcast_to(pixels.repeat(60, 0), (90, 120, 3))
        found.append(Photo(write_photo(folder / f"{number}.png", wide), 1))
    return found


def mosaics_of(photos: list[Photo], *, seed: int = 0, batch_size: int = 2) -> MosaicBatches:
    """Return batches in which the classes of a window are the colours inside it."""
    presence = np.zeros((8, 8), np.float32)
    for number in range(8):
        presence[number, [number, (number + 1) % 8]] = 1
    # The cells of a half have its colour. The last photo's own colour is unknown.
    cells = np.zeros((8, 8, 2, 2), np.uint8)
    for number in range(8):
        cells[number, number, :, 0] = 255
        cells[number, (number + 1) % 8, :, 1] = 255
    cells_known = np.ones(cells.shape, bool)
    cells_known[7, 7] = False
    targets = Targets(presence, np.ones(presence.shape, bool), cells, cells_known)
    return MosaicBatches(photos, targets, batch_size=batch_size, seed=seed)


def colours_in(pixels: NDArray[np.uint8], window: NDArray[np.float32], inset: float) -> set[int]:
    """Return the colours inside a window that is inset by a share of its sides."""
    x1, y1, x2, y2 = window
    across, down = inset * (x2 - x1), inset * (y2 - y1)
    height, width = pixels.shape[:2]
    inner = pixels[
        round((y1 + down) * height) : round((y2 - down) * height),
        round((x1 + across) * width) : round((x2 - across) * width),
    ]
    shares = np.bincount(((inner > BETWEEN) @ [1, 2, 4]).ravel(), minlength=8) / inner[..., 0].size
    # The border between two colours is blurred and may look like a third colour.
    return set(np.flatnonzero(shares > 0.04).tolist())


def test_each_window_shows_its_present_classes(photos: list[Photo]) -> None:
    mosaics = mosaics_of(photos)
    seen = set()
    for step in range(12):
        batch = mosaics[step]
        for pixels, windows, presence in zip(
            batch.pixels, batch.targets.windows, batch.targets.presence, strict=True
        ):
            for number, (window, present) in enumerate(zip(windows, presence, strict=True)):
                expected = set(present.nonzero().flatten().tolist())
                inset = 0.1 if number else 0
                assert colours_in(pixels.numpy(), window.numpy(), inset) == expected, (step, number)
                seen.add((number == 0, len(expected)))
    assert {(True, 2), (False, 2)} <= seen  # single photos and tiles
    assert max(count for whole, count in seen if whole) > 4  # mosaics


def test_each_cell_shows_its_class(photos: list[Photo]) -> None:
    mosaics = mosaics_of(photos)
    compared = 0
    for step in range(8):
        batch = mosaics[step]
        for pixels, cells in zip(batch.pixels.numpy(), batch.targets.cells.numpy(), strict=True):
            rows, columns = cells.shape[1:]
            middles = pixels[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX] > BETWEEN
            shown = middles[:rows, :columns] @ [1, 2, 4]
            # Cells at borders show both sides.
            sure = cells.max(0) > 0.9
            assert (cells.argmax(0)[sure] == shown[sure]).mean() > 0.95
            compared += int(sure.sum())
    assert compared > 5000


def test_cells_are_unknown_in_the_tiles_of_photos_with_unknown_cells(photos: list[Photo]) -> None:
    targets = mosaics_of(photos, batch_size=8)[1].targets
    unknown = ~targets.cells_known
    assert unknown[:, 7].any()
    assert not unknown[:, :7].any()
    # They are known in the tiles of other photos.
    assert targets.cells_known[:, 7].any()


def test_known_cells_are_those_of_the_photo_mirrored_with_it() -> None:
    known = np.zeros((2, 2, 2), bool)
    known[1] = [[True, False], [True, True]]
    plain, flipped = (resize_known(known, (3, 4), flip=flip) for flip in (False, True))
    assert plain[1].tolist() == [[True, True, False, False]] * 2 + [[True] * 4]
    assert np.array_equal(flipped, plain[..., ::-1])
    assert not plain[0].any()


def test_cells_are_resized_to_the_tile_and_mirrored_with_it() -> None:
    cells = np.zeros((3, 2, 2), np.uint8)
    cells[1] = [[255, 0], [0, 51]]
    plain, flipped = (resize_cells(cells, (4, 6), flip=flip) for flip in (False, True))
    assert plain.shape == (3, 4, 6)
    assert plain[1, [0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx([1, 0, 0, 0.2])
    assert np.array_equal(flipped, plain[..., ::-1])
    assert not plain[[0, 2]].any()


def test_batches_have_the_documented_shapes_types_and_ranges(photos: list[Photo]) -> None:
    mosaics = mosaics_of(photos, batch_size=3)
    sizes = set()
    for step in range(12):
        pixels, (windows, presence, known, cells, cells_known) = mosaics[step]
        sizes.add(tuple(pixels.shape[1:3]))
        assert pixels.shape == (3, *pixels.shape[1:3], 3)
        assert pixels.dtype == torch.uint8
        assert windows.shape == (3, WINDOWS, 4)
        assert presence.shape == known.shape == (3, WINDOWS, 8)
        assert windows.dtype == presence.dtype == torch.float32
        assert known.dtype == cells_known.dtype == torch.bool
        assert cells.dtype == torch.float32
        assert (
            cells.shape == cells_known.shape == (3, 8, *(s // CELL_PX for s in pixels.shape[1:3]))
        )
        assert 0 <= cells.min() <= cells.max() <= 1
        assert windows.min() >= 0
        assert windows.max() <= 1
        assert (windows[..., :2] < windows[..., 2:]).all()
        assert windows[:, 0].tolist() == [WHOLE] * 3
    assert sizes <= set(SIZES)
    assert len(sizes) > 2


def test_a_batch_depends_only_on_the_seed_and_its_number(photos: list[Photo]) -> None:
    first, again, other = mosaics_of(photos), mosaics_of(photos), mosaics_of(photos, seed=1)
    for step in (3, 0):
        assert torch.equal(first[step].pixels, again[step].pixels)
        for one, two in zip(first[step].targets, again[step].targets, strict=True):
            assert torch.equal(one, two)
    for different in (first[4], other[3]):
        assert different.pixels.shape != first[3].pixels.shape or not torch.equal(
            first[3].pixels, different.pixels
        )


def test_a_mosaic_with_few_windows_repeats_them(photos: list[Photo]) -> None:
    counts = set()
    for step in range(20):
        for windows in mosaics_of(photos)[step].targets.windows:
            assert len(windows) == WINDOWS
            counts.add(len(windows.unique(dim=0)))
    # The whole of a mosaic of 1 to 6 photos and its tiles, of which one may be drawn twice.
    assert {1, 3, 5, 7} <= counts


def test_a_class_is_present_in_the_whole_if_it_is_present_in_a_tile() -> None:
    presence = np.array(
        [[0.5, 0.0, 1.0, 0.9, 0.4, 0.8], [0.5, 0.0, 0.0, 0.9, 0.0, 0.0]], np.float32
    )
    known = np.array([[1, 1, 1, 0, 1, 1], [1, 1, 0, 0, 0, 0]], bool)
    combined, combined_known = combine_tiles(presence, known)
    assert combined.dtype == np.float32
    assert combined == pytest.approx([0.75, 0, 1, 0, 0.4, 0.8])
    # One tile with a likely presence suffices; otherwise all tiles have to be known.
    assert combined_known.tolist() == [True, True, True, False, False, True]


def test_whole_photos_come_once_each_with_what_they_show(
    photos: list[Photo], tmp_path: Path
) -> None:
    tall = Photo(write_photo(tmp_path / "tall.png", np.zeros((120, 90, 3), np.uint8)), 1)
    targets = mosaics_of(photos).targets
    more = Targets(*(np.concatenate([rows, rows[:1]]) for rows in vars(targets).values()))
    batches = WholePhotoBatches([*photos, tall], more, 96 * 128, batch_size=3, seed=0)
    assert sorted(index for _, indices in batches.batches for index in indices) == list(range(9))
    assert [len(indices) for _, indices in batches.batches] == [3, 3, 2, 1]
    for number in range(len(batches)):
        size, indices = batches.batches[number]
        pixels, (windows, presence, known, cells, cells_known) = batches[number]
        assert pixels.shape == (len(indices), *size, 3)
        assert windows.tolist() == [[WHOLE]] * len(indices)
        assert torch.equal(presence[:, 0], torch.from_numpy(more.presence[indices]))
        assert known.all()
        assert cells.shape[2:] == cells_known.shape[2:] == (size[0] // CELL_PX, size[1] // CELL_PX)
        for place, index in enumerate(indices):
            if index < len(photos):
                shown = (pixels[place, size[0] // 2, [8, -8]].numpy() > BETWEEN) @ [1, 2, 4]
                assert shown.tolist() == [index, (index + 1) % 8]
                assert cells[place, index, :, 0].eq(1).all()
                assert cells_known[place, 7].all() == (index != 7)
    again = WholePhotoBatches([*photos, tall], more, 96 * 128, batch_size=3, seed=0)
    other = WholePhotoBatches([*photos, tall], more, 96 * 128, batch_size=3, seed=1)
    assert again.batches == batches.batches != other.batches
