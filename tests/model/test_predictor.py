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
from torch.nn import functional

from bench.metrics.gaze import locate_fixations, measure_map, scale_map
from model import MSROI, MSROIConfig, Predictor, msroi
from model.checkpoint import write_checkpoint
from model.msroi import CAN_FUSE
from model.predictor import choose_precision, group_by_shape
from model.training.folds import is_held
from tests.model.pictures import disc, noise
from tests.photos import photo


def test_a_map_is_small_float32_and_scaled_to_one(predictor: Predictor) -> None:
    for size, shape in (((300, 200), (40, 60)), ((200, 300), (60, 40)), ((90, 90), (48, 48))):
        (saliency,) = predictor.predict([predictor.prepare(disc(*size))])
        assert saliency.shape == shape
        assert saliency.dtype == np.float32
        assert saliency.min() >= 0
        assert saliency.max() == 1


def test_the_map_is_high_on_the_object_wherever_it_is(predictor: Predictor) -> None:
    for column, row in ((0.3, 0.3), (0.7, 0.6)):
        picture = disc(480, 320, (column, row))
        (saliency,) = predictor.predict([predictor.prepare(picture)])
        inside = scale_map(saliency, (320, 480))[int(row * 320), int(column * 480)]
        assert inside > 1.3 * np.median(saliency), (column, row)


def test_the_whole_photo_is_seen(predictor: Predictor) -> None:
    corners = Image.fromarray(np.array([[0, 80], [160, 240]], np.uint8))
    prepared = predictor.prepare(corners.resize((1000, 370), Image.Resampling.NEAREST))
    found = prepared[[0, 0, -1, -1], [0, -1, 0, -1], 0]
    assert found.tolist() == [0, 80, 160, 240]


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 20000), (20000, 1), (2, 3), (7, 257), (333, 500), (4000, 3000)]
)
def test_any_size_is_taken(predictor: Predictor, size: tuple[int, int]) -> None:
    prepared = predictor.prepare(Image.new("RGB", size, "teal"))
    height, width, channels = prepared.shape
    assert channels == 3
    assert (height > width) == (size[1] > size[0])
    assert prepared.dtype == np.uint8
    (saliency,) = predictor.predict([prepared])
    assert saliency.shape == (height // 8, width // 8)
    assert np.isfinite(saliency).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I", "F"])
def test_any_mode_is_taken(predictor: Predictor, mode: str) -> None:
    assert predictor.prepare(disc(60, 40).convert(mode)).shape == (320, 480, 3)


def test_grey_is_prepared_alike_as_l_and_as_rgb(predictor: Predictor) -> None:
    grey = disc(90, 70).convert("L")
    assert np.array_equal(predictor.prepare(grey), predictor.prepare(grey.convert("RGB")))


def test_what_else_is_in_the_batch_makes_no_difference(predictor: Predictor) -> None:
    pictures = (disc(300, 200), noise(90, 100), Image.new("RGB", (9, 9)), noise(300, 200))
    inputs = [predictor.prepare(picture) for picture in pictures]
    alone = [predictor.predict([item])[0] for item in inputs]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 0, 3, 1]):
        together = predictor.predict([inputs[index] for index in order])
        for index, among in zip(order, together, strict=True):
            assert among.shape == alone[index].shape
            assert np.abs(among - alone[index]).max() < 1e-3


def test_photos_of_one_shape_are_passed_together() -> None:
    flat, tall, wide = (np.empty(shape, np.uint8) for shape in ((1, 2, 3), (2, 1, 3), (1, 3, 3)))
    assert group_by_shape([flat, tall, flat, wide, tall]) == [[0, 2], [1, 4], [3]]


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
    pictures = [noise(640, 400 + 20 * seed, seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        prepared = list(pool.map(predictor.prepare, pictures))
    for picture, pixels in zip(pictures, prepared, strict=True):
        assert np.array_equal(pixels, predictor.prepare(picture))


def test_a_network_that_sees_nothing_gives_zeros(tmp_path: Path) -> None:
    config = MSROIConfig(("a", "b"), threshold=1e9, input_area_px=96 * 96)
    write_checkpoint(tmp_path / "blind.safetensors", config, MSROI(config).half().state_dict())
    blind = Predictor(device="cpu", weights=tmp_path / "blind.safetensors")
    (saliency,) = blind.predict([blind.prepare(disc(30, 30))])
    assert saliency.shape == (12, 12)
    assert not saliency.any()


def test_smoothing_is_that_of_the_weights(tmp_path: Path) -> None:
    maps = []
    torch.manual_seed(0)
    state = MSROI(MSROIConfig(("a", "b"))).half().state_dict()
    for smoothing_cells in (0.0, 1.5):
        config = MSROIConfig(("a", "b"), threshold=0.0, smoothing_cells=smoothing_cells)
        path = tmp_path / f"{smoothing_cells}.safetensors"
        write_checkpoint(path, config, state)
        smoothed = Predictor(device="cpu", weights=path)
        maps += smoothed.predict([smoothed.prepare(noise(150, 100))])
    rough, smooth = (np.abs(np.diff(saliency / saliency.mean())).mean() for saliency in maps)
    assert smooth < 0.7 * rough


def test_warming_up_takes_any_batch_size(predictor: Predictor) -> None:
    predictor.warm_up(1)
    predictor.warm_up(3)


def test_automatic_is_cuda_only_where_there_is_one() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert Predictor().device.type == expected


# Without its instructions some CPUs compute no bfloat16 at all.
BFLOAT16 = pytest.mark.skipif(
    choose_precision(torch.device("cpu")) == torch.float32, reason="needs a CPU with bfloat16"
)


def pictures() -> list[Image.Image]:
    return [
        disc(480, 320),
        disc(320, 480, (0.3, 0.6)),
        noise(600, 400),
        Image.fromarray(photo(800, 600)),
        Image.fromarray(photo(720, 480, seed=1)),
    ]


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("cpu", marks=BFLOAT16),
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
        ),
    ],
)
def test_bfloat16_draws_nearly_the_maps_of_float32(device: str) -> None:
    exact = Predictor("cpu", precision=torch.float32)
    rounded = Predictor(device, precision=torch.bfloat16)
    rounded.warm_up(4)
    inputs = [exact.prepare(picture) for picture in pictures()]
    for theirs, ours in zip(exact.predict(inputs), rounded.predict(inputs), strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == np.float32
        assert not np.array_equal(ours, theirs)
        assert np.abs(ours - theirs).mean() < 0.03


@pytest.mark.skipif(not CAN_FUSE, reason="torch has no oneDNN here")
@pytest.mark.parametrize("precision", [torch.float32, pytest.param(torch.bfloat16, marks=BFLOAT16)])
def test_fused_convolutions_draw_the_same_maps(
    monkeypatch: pytest.MonkeyPatch, precision: torch.dtype
) -> None:
    fused = Predictor("cpu", precision=precision)
    with monkeypatch.context() as patch:
        patch.setattr(msroi, "CAN_FUSE", False)
        plain = Predictor("cpu", precision=precision)
        inputs = [plain.prepare(picture) for picture in pictures()]
    calls: list[int] = []
    relu6 = functional.relu6
    monkeypatch.setattr(
        functional, "relu6", lambda x, inplace: calls.append(1) or relu6(x, inplace=inplace)
    )
    maps = fused.predict(inputs)
    assert not calls
    for theirs, ours in zip(plain.predict(inputs), maps, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert calls


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": False}, torch.float32),
    ],
)
def test_bfloat16_is_for_what_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
) -> None:
    cpu = torch.device("cpu")
    with monkeypatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
        assert choose_precision(cpu) == expected
        assert Predictor("cpu").precision == expected
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # of another architecture
    assert choose_precision(cpu) == torch.float32
    assert choose_precision(torch.device("cuda")) == torch.bfloat16


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
def test_it_finds_what_people_look_at_on_photos_it_was_not_trained_on(
    predictor: Predictor, data_dir: Path
) -> None:
    folder = data_dir / "fixations" / "osie"
    recorded = json.loads((folder / "fixations.json").read_text())
    found = []
    for name in [name for name in sorted(recorded) if is_held(name)][:20]:
        with Image.open(folder / name) as picture:
            (saliency,) = predictor.predict([predictor.prepare(picture)])
        shape = (recorded[name]["height"], recorded[name]["width"])
        fixations = locate_fixations(recorded[name]["fixations_xy"], shape)
        found.append(measure_map(scale_map(saliency, shape), fixations)["nss"])
    assert np.mean(found) > 2.5


def test_threads_that_wait_for_a_pass_sleep() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import model"],
        env={**os.environ, "OMP_DISPLAY_ENV": "TRUE"},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert re.search(r"OMP_WAIT_POLICY = '?PASSIVE", shown), shown


def test_photos_go_side_by_side_on_a_cpu(predictor: Predictor) -> None:
    assert predictor.side_by_side
    inputs = [predictor.prepare(Image.fromarray(photo(480, 320, seed=n))) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        maps = list(pool.map(lambda one: predictor.predict([one], threads=1)[0], inputs))
    for alone, beside in zip(predictor.predict(inputs, threads=2), maps, strict=True):
        np.testing.assert_allclose(beside, alone, atol=1e-4)
