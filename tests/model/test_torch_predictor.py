import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.checkpoint import write_checkpoint
from model.config import MSROIConfig
from model.maps import nss
from model.msroi import MSROI, normalise_pixels
from model.prediction import select_classes
from model.torch_predictor import TorchPredictor, group_by_shape
from model.training.photos import is_held
from tests.model.pictures import disc, noise
from tests.photos import photo

ROOT = Path(__file__).parents[2]


def test_a_map_is_float32_at_an_eighth_of_the_input_with_a_maximum_of_one(
    predictor: TorchPredictor,
) -> None:
    for size, shape in (((300, 200), (40, 60)), ((200, 300), (60, 40)), ((90, 90), (48, 48))):
        saliency = predictor.predict([predictor.prepare(disc(*size))])[0].saliency
        assert saliency.shape == shape
        assert saliency.dtype == np.float32
        assert saliency.min() >= 0
        assert saliency.max() == 1


def test_the_map_is_high_at_the_object(predictor: TorchPredictor) -> None:
    for x, y in ((0.3, 0.3), (0.7, 0.6)):
        saliency = predictor.predict([predictor.prepare(disc(480, 320, (x, y)))])[0].saliency
        inside = saliency[int(y * 40), int(x * 60)]
        assert inside > 1.3 * np.median(saliency), (x, y)


def test_the_whole_photo_is_prepared(predictor: TorchPredictor) -> None:
    corners = Image.fromarray(np.array([[0, 80], [160, 240]], np.uint8))
    prepared = predictor.prepare(corners.resize((1000, 370), Image.Resampling.NEAREST))
    found = prepared[[0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert found.tolist() == [0, 80, 160, 240]


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 20000), (20000, 1), (2, 3), (7, 257), (333, 500), (4000, 3000)]
)
def test_a_photo_of_any_size_is_accepted(predictor: TorchPredictor, size: tuple[int, int]) -> None:
    prepared = predictor.prepare(Image.new("RGB", size, "teal"))
    height, width, channels = prepared.shape
    assert channels == 3
    assert (height > width) == (size[1] > size[0])
    assert prepared.dtype == np.uint8
    saliency = predictor.predict([prepared])[0].saliency
    assert saliency.shape == (height // 8, width // 8)
    assert np.isfinite(saliency).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I", "F"])
def test_a_photo_of_any_mode_is_accepted(predictor: TorchPredictor, mode: str) -> None:
    assert predictor.prepare(disc(60, 40).convert(mode)).shape == (320, 480, 3)


def test_grey_photos_are_prepared_like_their_rgb_versions(predictor: TorchPredictor) -> None:
    grey = disc(90, 70).convert("L")
    assert np.array_equal(predictor.prepare(grey), predictor.prepare(grey.convert("RGB")))


def test_the_rest_of_the_batch_makes_no_difference(predictor: TorchPredictor) -> None:
    pictures = (disc(300, 200), noise(90, 100), Image.new("RGB", (9, 9)), noise(300, 200))
    inputs = [predictor.prepare(picture) for picture in pictures]
    alone = [predictor.predict([item])[0] for item in inputs]
    for order in ([3, 2, 1, 0], [2, 0, 0, 3, 1]):
        together = predictor.predict([inputs[index] for index in order])
        for index, found in zip(order, together, strict=True):
            assert found.saliency.shape == alone[index].saliency.shape
            assert np.abs(found.saliency - alone[index].saliency).max() < 1e-3
            assert found.classes == alone[index].classes
            np.testing.assert_allclose(found.probabilities, alone[index].probabilities, atol=1e-3)
            np.testing.assert_allclose(found.class_maps, alone[index].class_maps, atol=1e-2)


def test_the_classes_are_those_that_numpy_selects() -> None:
    exact = TorchPredictor(device="cpu", precision=torch.float32)
    for picture in (Image.fromarray(photo(320, 240)), disc(200, 300), noise(90, 90)):
        prepared = exact.prepare(picture)
        (found,) = exact.predict([prepared])
        with torch.inference_mode():
            pixels = normalise_pixels(torch.from_numpy(prepared[None].copy()))
            class_maps = exact._network.class_maps(pixels)[0]  # (C, D, h, w)
        channels_last = class_maps.flatten(0, 1).permute(1, 2, 0).contiguous().numpy()
        expected = select_classes(found.saliency, channels_last, exact._network.config.classes)
        assert found.classes == expected.classes
        for name in ("probabilities", "class_maps"):
            one, other = getattr(found, name), getattr(expected, name)
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, other, rtol=1e-3, err_msg=name)


def test_photos_are_grouped_by_shape() -> None:
    flat, tall, wide = (np.empty(shape, np.uint8) for shape in ((1, 2, 3), (2, 1, 3), (1, 3, 3)))
    assert group_by_shape([flat, tall, flat, wide, tall]) == [[0, 2], [1, 4], [3]]


def test_the_same_photo_gives_the_same_map(predictor: TorchPredictor) -> None:
    prepared = predictor.prepare(Image.fromarray(photo(320, 240)))
    again = TorchPredictor(device="cpu")
    (one,), (other,) = predictor.predict([prepared]), again.predict([prepared])
    assert np.array_equal(one.saliency, other.saliency)
    assert predictor.version == again.version


def test_maps_do_not_share_memory_with_later_ones(predictor: TorchPredictor) -> None:
    first = predictor.predict([predictor.prepare(disc(80, 60))])[0].saliency
    kept = first.copy()
    predictor.predict([predictor.prepare(noise(80, 60))])
    assert np.array_equal(first, kept)


def test_an_empty_batch_gives_no_maps(predictor: TorchPredictor) -> None:
    assert predictor.predict([]) == []


def test_several_threads_may_prepare_at_the_same_time(predictor: TorchPredictor) -> None:
    pictures = [noise(640, 400 + 20 * seed, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(predictor.prepare, pictures))
    for picture, pixels in zip(pictures, prepared, strict=True):
        assert np.array_equal(pixels, predictor.prepare(picture))


def test_several_threads_may_predict_at_the_same_time_on_a_cpu(predictor: TorchPredictor) -> None:
    assert predictor.side_by_side
    inputs = [predictor.prepare(Image.fromarray(photo(480, 320, seed=n))) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        maps = list(pool.map(lambda one: predictor.predict([one])[0].saliency, inputs))
    for expected, found in zip(predictor.predict(inputs), maps, strict=True):
        np.testing.assert_allclose(found, expected.saliency, atol=1e-4)


def test_a_map_of_rounding_errors_is_zero(tmp_path: Path) -> None:
    config = MSROIConfig(("a", "b"), input_area_px=96 * 96)
    network = MSROI(config)
    torch.nn.init.constant_(network.classes.bias, -100)  # type: ignore[arg-type]
    write_checkpoint(tmp_path / "blind.safetensors", config, network.half().state_dict())
    blind = TorchPredictor(device="cpu", weights=tmp_path / "blind.safetensors")
    saliency = blind.predict([blind.prepare(disc(30, 30))])[0].saliency
    assert saliency.shape == (12, 12)
    assert not saliency.any()


def test_maps_are_smoothed_as_the_weights_file_says(tmp_path: Path) -> None:
    maps = []
    torch.manual_seed(0)
    state = MSROI(MSROIConfig(("a", "b"))).half().state_dict()
    for smoothing_cells in (0.0, 1.5):
        config = MSROIConfig(("a", "b"), threshold=0.0, smoothing_cells=smoothing_cells)
        path = tmp_path / f"{smoothing_cells}.safetensors"
        write_checkpoint(path, config, state)
        smoothed = TorchPredictor(device="cpu", weights=path)
        maps.append(smoothed.predict([smoothed.prepare(noise(150, 100))])[0].saliency)
    rough, smooth = (np.abs(np.diff(saliency / saliency.mean())).mean() for saliency in maps)
    assert smooth < 0.7 * rough


@pytest.mark.parametrize(("device", "expected"), [("cpu", [1]), ("cuda", [1, 3])])
def test_warm_up_runs_the_batches_that_the_device_distinguishes(
    monkeypatch: pytest.MonkeyPatch, device: str, expected: list[int]
) -> None:
    predictor = TorchPredictor(device="cpu")
    predictor.device = torch.device(device)
    sizes: list[int] = []
    monkeypatch.setattr(predictor, "predict", lambda batch: sizes.append(len(batch)))
    predictor.warm_up(3)
    assert sizes == expected


@pytest.fixture(scope="module")
def process() -> subprocess.CompletedProcess[str]:
    """Return a finished process that loaded a predictor with one thread and printed torch's number."""
    script = "from model.torch_predictor import TorchPredictor; TorchPredictor('cpu', threads=1); import torch; print(torch.get_num_threads())"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    )


def test_threads_are_set_for_the_process(process: subprocess.CompletedProcess[str]) -> None:
    assert process.stdout.strip() == "1"


def test_idle_openmp_threads_sleep(process: subprocess.CompletedProcess[str]) -> None:
    assert re.search(r"OMP_WAIT_POLICY = '?PASSIVE", process.stderr), process.stderr


@pytest.mark.data
def test_maps_predict_gaze_on_held_out_photos(predictor: TorchPredictor, data_dir: Path) -> None:
    folder = data_dir / "fixations" / "osie"
    recorded = json.loads((folder / "fixations.json").read_text())
    scores = []
    for name in [name for name in sorted(recorded) if is_held(name)][:10]:
        with Image.open(folder / name) as picture:
            saliency = predictor.predict([predictor.prepare(picture)])[0].saliency
        height, width = saliency.shape
        shares = np.array(recorded[name]["fixations_xy"]) / [
            recorded[name]["width"],
            recorded[name]["height"],
        ]
        columns, rows = (shares.clip(0, 1 - 1e-9) * [width, height]).astype(int).T
        scores.append(nss(saliency, (rows, columns)))
    assert np.mean(scores) > 2.5
