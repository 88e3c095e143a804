from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.training.classes import FACE, PERSON, Classes
from model.training.lessons import Lessons, name_photos
from model.training.mosaics import (
    CELL_PX,
    LEAST_LIKELY,
    NO_FACE,
    SIZES,
    WINDOWS,
    Mosaics,
    Targets,
    make_targets,
    place_windows,
    stretch_cells,
    unite,
)
from model.training.mosaics import FACE as SURELY_A_FACE
from model.training.photos import Photo
from tests.model.training.made_up import write_photo

# Eight colours that stay apart under any jitter: each channel is dark or bright.
DARK, BRIGHT, BETWEEN = 40, 200, 100
COLOURS = np.array([[colour >> bit & 1 for bit in range(3)] for colour in range(8)])
WHOLE, LEFT, RIGHT, TOP_LEFT = [0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1], [0.1, 0.1, 0.4, 0.3]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    """Return photos whose left half has the colour of their number, and the right half the next."""
    folder = tmp_path_factory.mktemp("photos")
    found = []
    for number in range(8):
        halves = COLOURS[[number, (number + 1) % 8]]  # (2, 3)
        pixels = np.where(halves, BRIGHT, DARK).astype(np.uint8)
        wide = np.broadcast_to(pixels.repeat(60, 0), (90, 120, 3))
        found.append(Photo(write_photo(folder / f"{number}.png", wide), None, None))
    return found


def unused_lessons(photos: int, windows: int) -> tuple[NDArray[Any], ...]:
    """Return synsets, faces and maps of which there are none."""
    return (
        np.zeros((photos, windows, 0), np.float16), np.zeros((photos, windows), np.float32),
        np.zeros((photos, 0), np.int16), np.zeros((photos, 0), np.float32),
        np.zeros((photos, 0, 2, 2), np.uint8),
    )  # fmt: skip


def mosaics_of(photos: list[Photo], *, seed: int = 0, batch_size: int = 2) -> Mosaics:
    """Return mosaics where the classes of a window are the colours in it."""
    windows = np.tile(np.array([WHOLE, LEFT, RIGHT, TOP_LEFT], np.float32), (8, 1, 1))
    presence = np.zeros((8, 4, 8), np.float32)
    for number in range(8):
        presence[number, [0, 1, 3], number] = 1
        presence[number, [0, 2], (number + 1) % 8] = 1
    # The cells of a half have its colour; nobody knows about the last photo's own.
    cells = np.zeros((8, 8, 2, 2), np.uint8)
    for number in range(8):
        cells[number, number, :, 0] = 255
        cells[number, (number + 1) % 8, :, 1] = 255
    cells_known = np.ones((8, 8), bool)
    cells_known[7, 7] = False
    targets = Targets(presence, np.ones(presence.shape, bool), cells, cells_known)
    lessons = Lessons(name_photos(photos), windows, *unused_lessons(8, 4))
    return Mosaics(photos, lessons, targets, batch_size=batch_size, seed=seed)


def colours_in(pixels: NDArray[np.uint8], window: NDArray[np.float32], inset: float) -> set[int]:
    """Return the colours that fill a part of the window that is inset by a share of its sides."""
    x1, y1, x2, y2 = window
    across, down = inset * (x2 - x1), inset * (y2 - y1)
    height, width = pixels.shape[:2]
    inner = pixels[
        round((y1 + down) * height) : round((y2 - down) * height),
        round((x1 + across) * width) : round((x2 - across) * width),
    ]
    shares = np.bincount(((inner > BETWEEN) @ [1, 2, 4]).ravel(), minlength=8) / inner[..., 0].size
    # The seam between two colours is blurred, and may look like a third.
    return set(np.flatnonzero(shares > 0.04).tolist())


def test_each_window_shows_what_its_presence_says(photos: list[Photo]) -> None:
    mosaics = mosaics_of(photos)
    seen = set()
    for step in range(12):
        for pixels, windows, presence, *_ in zip(*mosaics[step], strict=True):
            for number, (window, present) in enumerate(zip(windows, presence, strict=True)):
                expected = set(present.nonzero().flatten().tolist())
                inset = 0.1 if number else 0
                assert colours_in(pixels.numpy(), window.numpy(), inset) == expected, (step, number)
                seen.add((number == 0, len(expected)))
    assert {(True, 2), (False, 1), (False, 2)} <= seen  # photos alone, halves and tiles
    assert max(count for whole, count in seen if whole) > 4  # mosaics


def test_each_cell_has_the_class_that_it_shows(photos: list[Photo]) -> None:
    mosaics = mosaics_of(photos)
    compared = 0
    for step in range(8):
        batch = mosaics[step]
        for pixels, cells in zip(batch.pixels.numpy(), batch.cells.numpy(), strict=True):
            rows, columns = cells.shape[1:]
            middles = pixels[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX] > BETWEEN
            shown = middles[:rows, :columns] @ [1, 2, 4]
            # At the seams cells are of both sides.
            sure = cells.max(0) > 0.9
            assert (cells.argmax(0)[sure] == shown[sure]).mean() > 0.95
            compared += int(sure.sum())
    assert compared > 5000


def test_cells_are_unknown_where_the_photo_s_are(photos: list[Photo]) -> None:
    batch = mosaics_of(photos, batch_size=8)[1]
    unknown = ~batch.cells_known
    assert unknown[:, 7].any()
    assert not unknown[:, :7].any()
    # Those of the photo's own tile: there, and only there, its first colour is half.
    assert batch.cells_known[:, 7].any()


def test_cells_are_stretched_over_the_tile_and_mirrored_with_it() -> None:
    cells = np.zeros((3, 2, 2), np.uint8)
    cells[1] = [[255, 0], [0, 51]]
    plain, flipped = (stretch_cells(cells, (4, 6), flip=flip) for flip in (False, True))
    assert plain.shape == (3, 4, 6)
    assert plain[1, [0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx([1, 0, 0, 0.2])
    assert np.array_equal(flipped, plain[..., ::-1])
    assert not plain[[0, 2]].any()


def test_shapes_types_and_ranges(photos: list[Photo]) -> None:
    mosaics = mosaics_of(photos, batch_size=3)
    sizes = set()
    for step in range(12):
        pixels, windows, presence, known, cells, cells_known = mosaics[step]
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


def test_a_batch_depends_on_the_seed_and_its_number_alone(photos: list[Photo]) -> None:
    first, again, other = mosaics_of(photos), mosaics_of(photos), mosaics_of(photos, seed=1)
    for step in (3, 0):
        for one, two in zip(first[step], again[step], strict=True):
            assert torch.equal(one, two)
    assert all(torch.equal(one, two) for one, two in zip(first[3], again[3], strict=True))
    for different in (first[4], other[3]):
        assert not torch.equal(first[3].windows, different.windows)


def test_a_sample_of_few_windows_repeats_them(photos: list[Photo]) -> None:
    for windows in mosaics_of(photos)[0].windows:
        assert len(windows) == WINDOWS
    single = next(
        windows
        for step in range(20)
        for windows in mosaics_of(photos)[step].windows
        if len(windows.unique(dim=0)) <= 4
    )
    assert WHOLE in single.tolist()


def test_windows_are_placed_in_their_tile_and_mirrored_with_it() -> None:
    windows = np.array([WHOLE, [0, 0.5, 0.25, 1]], np.float32)
    tile = (100, 40, 180, 60)
    plain, flipped = (place_windows(windows, tile, flip=flip).tolist() for flip in (False, True))
    assert plain == [[100, 40, 180, 60], [100, 50, 120, 60]]
    assert flipped == [[100, 40, 180, 60], [160, 50, 180, 60]]


def test_a_mosaic_has_what_one_of_its_tiles_has() -> None:
    presence = np.array(
        [[0.5, 0.0, 1.0, 0.9, 0.4, 0.8], [0.5, 0.0, 0.0, 0.9, 0.0, 0.0]], np.float32
    )
    known = np.array([[1, 1, 1, 0, 1, 1], [1, 1, 0, 0, 0, 0]], bool)
    united, united_known = unite(presence, known)
    assert united.dtype == np.float32
    assert united == pytest.approx([0.75, 0, 1, 0, 0.4, 0.8])
    # Where one tile surely has it, the other doesn't matter; where it only may, it does.
    assert united_known.tolist() == [True, True, True, False, False, True]


CLASSES = Classes(("a+1", "b+1", PERSON, FACE), np.array([0, 1, 0, 1]))
PERSON_AT, FACE_AT = 2, 3


def targets_of(photo: Photo, faces: list[float]) -> Targets:
    synsets = np.array([[[0.5, 0.25, 0.125, 0.125]] * len(faces)], np.float16)
    windows = np.zeros((1, len(faces), 4), np.float32)
    cams = np.array([[[[255, 0], [0, 0]], [[0, 255], [0, 0]], [[128, 0], [0, 255]]]], np.uint8)
    lessons = Lessons(
        name_photos([photo]), windows, synsets, np.array([faces], np.float32),
        np.array([[2, 1, 0]], np.int16), np.array([[1, LEAST_LIKELY - 0.01, 0.5]], np.float32), cams,
    )  # fmt: skip
    return make_targets([photo], lessons, CLASSES)


def test_the_teacher_s_probabilities_are_added_up_and_known() -> None:
    found = targets_of(Photo(Path("a"), None, None), [0.0, 0.0])
    assert found.presence.shape == found.known.shape == (1, 2, 4)
    assert found.presence[0, :, :2].tolist() == [[0.625, 0.375]] * 2
    assert found.known[..., :2].all()


def test_a_label_is_certain_of_the_photo_but_not_of_its_crops() -> None:
    found = targets_of(Photo(Path("a"), 3, None), [0.0, 0.0])
    assert found.presence[0, :, :2].tolist() == [[0.625, 1.0], [0.625, 0.375]]


def test_a_face_is_unknown_where_the_detector_is_unsure() -> None:
    confidences = [0.0, NO_FACE - 0.01, NO_FACE, SURELY_A_FACE - 0.01, SURELY_A_FACE, 1.0]
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
def test_a_person_is_known_by_a_face_or_by_the_folder(
    person: bool | None, presence: list[int], known: list[bool]
) -> None:
    found = targets_of(Photo(Path("a"), None, person), [0.0, 0.9, 0.1])
    assert found.known[0, :, PERSON_AT].tolist() == known
    assert found.presence[0, :, PERSON_AT].tolist() == presence


def test_cells_are_the_maps_of_a_group_s_likely_synsets_by_their_probability() -> None:
    found = targets_of(Photo(Path("a"), synset=2, person=False), [0.0])
    assert found.cells.shape == (1, 4, 2, 2)
    assert found.cells[0, 0].tolist() == [[255, 0], [0, 128]]
    assert not found.cells[0, 1:].any()
    assert found.cells_known.tolist() == [[True] * 4]


@pytest.mark.parametrize(
    ("person", "face", "known"),
    [(None, 0.0, [False, True]), (False, 0.0, [True, True]), (True, 0.0, [False, True]),
     (False, 0.9, [False, False]), (False, NO_FACE, [True, False])],
)  # fmt: skip
def test_where_people_are_is_known_only_where_there_are_none(
    person: bool | None, face: float, known: list[bool]
) -> None:
    found = targets_of(Photo(Path("a"), None, person), [face])
    assert found.cells_known[0, PERSON_AT:].tolist() == known


def test_presence_stays_a_probability_when_halves_are_added_up() -> None:
    raw = np.random.default_rng(0).random((1, 20, 1000), np.float32) ** 8
    synsets = (raw / raw.sum(-1, keepdims=True)).astype(np.float16)
    classes = Classes(("all+999", PERSON, FACE), np.zeros(1000, int))
    photos = [Photo(Path("a"), None, None)]
    windows = np.zeros((1, 20, 4), np.float32)
    _, faces, *cams = unused_lessons(1, 20)
    lessons = Lessons(name_photos(photos), windows, synsets, faces, *cams)
    found = make_targets(photos, lessons, classes).presence
    assert 0.99 < found[..., 0].min() <= found[..., 0].max() <= 1
