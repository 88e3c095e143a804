import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.config import MAP_STRIDE
from model.input_size import choose_input_size
from model.training.gaze import (
    GazeBatches,
    Record,
    draw_mosaic,
    draw_view,
    fixation_density,
    read_records,
    subsample_records,
    tile_two_by_two,
)
from model.training.photos import fold_of
from tests.model.training.synthetic import write_photo

SIZE_PX = (300, 200)  # width, height
INPUT = (160, 256)  # height, width
AREA_PX = 96 * 128


def dotted(path: Path, x: float, y: float, size: tuple[int, int] = SIZE_PX) -> Record:
    """Return a record of a dark photo with a bright dot at its only fixation, in shares of the sides."""
    width, height = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    near = np.hypot(columns - x * width, rows - y * height) < 5
    write_photo(path, np.where(near[..., None], 255, 20).repeat(3, 2).astype(np.uint8))
    return Record(path, path.parent.name, size, np.array([[x, y]]))


def dot_in(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the centre of the bright dot as (row, column), in cells of the map."""
    grey = pixels.mean(2)
    return (np.argwhere(grey > (grey.min() + grey.max()) / 2) + 0.5).mean(0) / MAP_STRIDE


def top_of(density: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the centre of the densest cell as (row, column)."""
    return np.array(np.unravel_index(density.argmax(), density.shape)) + 0.5


def test_the_density_peaks_at_the_fixation_and_its_sum_is_one() -> None:
    found = fixation_density(np.array([[0.3, 0.8]]), 20, 30)
    assert found.dtype == np.float32
    assert found.shape == (20, 30)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    samples = np.mgrid[:20, :30] + 0.5
    assert (samples * found).sum((1, 2)) == pytest.approx([16, 9], abs=0.05)


def test_fixations_near_the_edge_count_as_much_as_others() -> None:
    found = fixation_density(np.array([[0.0, 0.0], [0.5, 0.5]]), 40, 60)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert found[:12, :18].sum() == pytest.approx(0.5, abs=1e-4)
    assert found.argmax() == 0


@pytest.mark.parametrize(("x", "y"), [(0.25, 0.6), (0.5, 0.5), (0.05, 0.9), (0.97, 0.04)])
def test_the_density_follows_crops_and_flips_of_the_photo(
    tmp_path: Path, x: float, y: float
) -> None:
    record = dotted(tmp_path / "dot.png", x, y)
    random = np.random.default_rng(2)
    places = []
    for _ in range(40):
        pixels, density = draw_view(record, INPUT, random)
        assert pixels.shape == (*INPUT, 3)
        assert pixels.dtype == np.uint8
        assert density.shape == (20, 32)
        assert density.sum() == pytest.approx(1, abs=1e-5)
        assert np.abs(dot_in(pixels) - top_of(density)).max() <= 1
        places.append(dot_in(pixels))
    columns = np.array(places)[:, 1] / 32
    assert len({place.round(2).tobytes() for place in places}) > 3  # crops
    if x != 0.5:
        assert (columns < 0.5).any()
        assert (columns > 0.5).any()


def test_a_mosaic_has_a_quarter_of_the_gaze_in_each_tile(tmp_path: Path) -> None:
    records = [dotted(tmp_path / f"{x}.png", x, y) for x, y in ((0.2, 0.3), (0.4, 0.8), (0.8, 0.6))]
    random = np.random.default_rng(5)
    for _ in range(10):
        pixels, density = draw_mosaic(records, INPUT, random)
        assert pixels.shape == (*INPUT, 3)
        assert density.dtype == np.float32
        assert density.sum() == pytest.approx(1, abs=1e-5)
        for row in (0, 1):
            for column in (0, 1):
                own = density[row * 10 :, column * 16 :][:10, :16]
                tile = pixels[row * 80 :, column * 128 :][:80, :128]
                assert own.sum() == pytest.approx(0.25, abs=1e-5)
                assert np.abs(dot_in(tile) - top_of(own)).max() <= 1


def test_tiles_are_placed_row_by_row() -> None:
    tiles = [np.full((1, 2), number) for number in range(4)]
    assert tile_two_by_two(tiles).tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    wide = [dotted(tmp_path / f"wide{n}.png", 0.1 * n + 0.2, 0.5, (120, 90)) for n in range(4)]
    return [*wide, dotted(tmp_path / "tall.png", 0.5, 0.5, (90, 120))]


def test_a_batch_depends_only_on_the_seed_and_its_number(records: list[Record]) -> None:
    first, again, other = (
        GazeBatches(list(records), area_px=AREA_PX, batch_size=2, seed=seed) for seed in (0, 0, 1)
    )
    for step in (3, 0, 3):
        for one, two in zip(first[step], again[step], strict=True):
            assert torch.equal(one, two)
    for different in (first[4], other[3]):
        assert not (
            first[3].pixels.shape == different.pixels.shape
            and torch.equal(first[3].pixels, different.pixels)
        )


def test_a_batch_has_photos_of_one_size_and_no_more_than_there_are(records: list[Record]) -> None:
    batches = GazeBatches(records, area_px=AREA_PX, batch_size=3, seed=0)
    wide, tall = (choose_input_size(*size, AREA_PX) for size in ((120, 90), (90, 120)))
    found = {}
    for step in range(30):
        pixels, density = batches[step]
        height, width = pixels.shape[1:3]
        assert density.shape == (len(pixels), height // MAP_STRIDE, width // MAP_STRIDE)
        assert pixels.dtype == torch.uint8
        assert density.dtype == torch.float32
        assert density.sum((1, 2)).tolist() == pytest.approx([1] * len(pixels), abs=1e-5)
        found[height, width] = len(pixels)
    assert found == {wide: 3, tall: 1}


def write_fixations(root: Path, name: str, own: dict[str, list[list[float]]]) -> None:
    recorded = {
        photo: {"width": 200, "height": 100, "fixations_xy": points}
        for photo, points in own.items()
    }
    (root / name).mkdir()
    (root / name / "fixations.json").write_text(json.dumps(recorded))


def test_fixations_outside_the_photo_and_photos_without_any_are_dropped(tmp_path: Path) -> None:
    outside = [[-1, 5], [200, 5], [5, 100], [5, -0.5]]
    write_fixations(
        tmp_path, "b", {"2.jpg": [[50, 75], *outside], "1.jpg": [[0, 0], [199.9, 99.9]]}
    )
    write_fixations(tmp_path, "a", {"3.jpg": outside, "4.jpg": [], "5.jpg": [[100, 50]]})
    found = read_records(tmp_path)
    assert [(record.set, record.path.name) for record in found] == [
        ("a", "5.jpg"), ("b", "1.jpg"), ("b", "2.jpg"),
    ]  # fmt: skip
    assert found[0].path == tmp_path / "a" / "5.jpg"
    assert found[0].fold == fold_of("5.jpg")
    assert [record.size for record in found] == [(200, 100)] * 3
    assert found[2].fixations.tolist() == [[0.25, 0.75]]
    assert found[1].fixations == pytest.approx(np.array([[0, 0], [0.9995, 0.999]]))


def test_a_folder_without_fixations_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \*/fixations\.json"):
        read_records(tmp_path)


def test_fitting_uses_at_most_300_evenly_spaced_photos() -> None:
    records = [Record(Path(f"{n}.jpg"), "a", SIZE_PX, np.array([[0.5, 0.5]])) for n in range(908)]
    chosen = subsample_records(records)
    assert [r.path for r in chosen] == [r.path for r in records[::4]]
    assert len(subsample_records(records[:300])) == 300
