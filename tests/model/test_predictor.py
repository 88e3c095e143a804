import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.saliency import (
    choose_photos,
    class_activation_maps,
    locate_fixations,
    measure_map,
    scale_map,
)
from model import MSROI, MSROIConfig, Predictor
from model.checkpoint import write_checkpoint
from tests.model.pictures import disc, noise
from tests.photos import photo


def test_a_map_is_small_float32_and_scaled_to_one(predictor: Predictor) -> None:
    (saliency,) = predictor.predict([predictor.prepare(disc(300, 200))])
    assert saliency.shape == (48, 48)
    assert saliency.dtype == np.float32
    assert saliency.min() >= 0
    assert saliency.max() == 1


def test_the_map_is_high_on_the_object_wherever_it_is(predictor: Predictor) -> None:
    for column, row in ((0.3, 0.3), (0.7, 0.6)):
        picture = disc(480, 320, (column, row))
        (saliency,) = predictor.predict([predictor.prepare(picture)])
        inside = scale_map(saliency, (320, 480))[int(row * 320), int(column * 480)]
        assert inside > 1.3 * np.median(saliency), (column, row)


def test_a_map_has_no_steps_of_the_network_s_grid(predictor: Predictor) -> None:
    (saliency,) = predictor.predict([predictor.prepare(noise(256, 256))])
    for steps in (np.abs(np.diff(saliency, axis=0)), np.abs(np.diff(saliency, axis=1))):
        assert steps.max() < 0.25


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 20000), (20000, 1), (2, 3), (7, 257), (333, 500), (4000, 3000)]
)
def test_any_size_is_taken(predictor: Predictor, size: tuple[int, int]) -> None:
    prepared = predictor.prepare(Image.new("RGB", size, "teal"))
    assert prepared.shape == (384, 384, 3)
    assert prepared.dtype == np.uint8
    (saliency,) = predictor.predict([prepared])
    assert np.isfinite(saliency).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I", "F"])
def test_any_mode_is_taken(predictor: Predictor, mode: str) -> None:
    assert predictor.prepare(disc(50, 40).convert(mode)).shape == (384, 384, 3)


def test_grey_is_prepared_alike_as_l_and_as_rgb(predictor: Predictor) -> None:
    grey = disc(90, 70).convert("L")
    assert np.array_equal(predictor.prepare(grey), predictor.prepare(grey.convert("RGB")))


def test_what_else_is_in_the_batch_makes_no_difference(predictor: Predictor) -> None:
    inputs = [
        predictor.prepare(picture)
        for picture in (disc(300, 200), noise(100, 100), Image.new("RGB", (9, 9)))
    ]
    together = predictor.predict(inputs)
    for alone, among in zip(inputs, together, strict=True):
        assert np.abs(predictor.predict([alone])[0] - among).max() < 1e-3
    assert np.abs(predictor.predict(inputs[::-1])[2] - together[0]).max() < 1e-3


def test_the_same_photo_gives_the_same_map(predictor: Predictor) -> None:
    prepared = predictor.prepare(Image.fromarray(photo(320, 240)))
    again = Predictor(device="cpu")
    assert np.array_equal(predictor.predict([prepared])[0], again.predict([prepared])[0])
    assert predictor.version == again.version


def test_maps_don_t_share_memory_with_later_ones(predictor: Predictor) -> None:
    (first,) = predictor.predict([predictor.prepare(disc(80, 60))])
    kept = first.copy()
    predictor.predict([predictor.prepare(noise(80, 60))])
    assert np.array_equal(first, kept)


def test_no_photos_give_no_maps(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_threads_may_prepare_at_the_same_time(predictor: Predictor) -> None:
    pictures = [noise(640, 480, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(predictor.prepare, pictures))
    for picture, pixels in zip(pictures, prepared, strict=True):
        assert np.array_equal(pixels, predictor.prepare(picture))


def test_a_network_that_sees_nothing_gives_zeros(tmp_path: Path) -> None:
    config = MSROIConfig(num_classes=2, threshold=1e9, input_side_px=64)
    write_checkpoint(tmp_path / "blind.safetensors", config, MSROI(config).half().state_dict())
    blind = Predictor(device="cpu", weights=tmp_path / "blind.safetensors")
    (saliency,) = blind.predict([blind.prepare(disc(30, 30))])
    assert saliency.shape == (8, 8)
    assert not saliency.any()


def test_a_centre_prior_leans_towards_the_middle_and_shows_in_the_version(
    predictor: Predictor,
) -> None:
    leaning = Predictor(device="cpu", centre_prior=1.0)
    prepared = predictor.prepare(disc(300, 300, (0.2, 0.2)))
    plain, leant = predictor.predict([prepared])[0], leaning.predict([prepared])[0]
    assert leant[0, 0] < 0.2 * plain[0, 0]
    assert leaning.version != predictor.version


def test_warming_up_takes_any_batch_size(predictor: Predictor) -> None:
    predictor.warm_up(1)
    predictor.warm_up(3)


def test_automatic_is_cuda_only_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert Predictor().device.type == expected


def test_a_device_that_is_missing_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"'cuda:99'.*'cpu' or 'auto'"):
        Predictor(device="cuda:99")
    with pytest.raises(RuntimeError, match="'meta'"):
        Predictor(device="meta")


def test_threads_are_set_for_the_process() -> None:
    script = "from model import Predictor; Predictor('cpu', threads=1); import torch; print(torch.get_num_threads())"
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "1"


@pytest.mark.data
def test_it_finds_what_people_look_at_better_than_the_best_class_alone(
    predictor: Predictor, network: MSROI, data_dir: Path
) -> None:
    folder = data_dir / "fixations" / "osie"
    recorded = json.loads((folder / "fixations.json").read_text())
    ours, cam = [], []
    for name in choose_photos(recorded, "held", 20):
        with Image.open(folder / name) as picture:
            pixels = predictor.prepare(picture)
        shape = (recorded[name]["height"], recorded[name]["width"])
        fixations = locate_fixations(recorded[name]["fixations_xy"], shape)
        best_class = class_activation_maps(network, pixels)["cam"]
        for scores, saliency in ((ours, predictor.predict([pixels])[0]), (cam, best_class)):
            scores.append(measure_map(scale_map(saliency, shape), fixations)["nss"])
    assert np.mean(ours) > np.mean(cam) + 0.2
    assert np.mean(ours) > 1.0
