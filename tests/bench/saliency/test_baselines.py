import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.saliency import baselines
from tests.photos import photo


def test_the_five_best_classes_include_the_best_one() -> None:
    pixels = np.asarray(Image.fromarray(photo(480, 320, 1)))
    activation = baselines.ClassActivation()
    best, best_five = (activation.draw(pixels, classes) for classes in (1, 5))
    assert best.shape == best_five.shape == (40, 60)
    assert best.dtype == np.float32
    assert best.max() > 0
    assert (best >= 0).all()
    # All class maps are ≥ 0.
    assert (best_five >= best - 1e-5).all()


def test_a_finer_axis_keeps_a_uniform_map_uniform_and_a_peak_in_place() -> None:
    drawn = baselines.make_finer_axis(12)
    assert drawn.shape == (48, 12)
    assert np.allclose(drawn.sum(1), 1)
    # The middle of cell 3 lies between the samples 13 and 14.
    assert np.allclose(drawn[13, 3], drawn[14, 3])
    assert drawn[:, 3].max() == drawn[13:15, 3].max()


def test_the_sigmoid_is_right_for_large_logits() -> None:
    logits = np.array([[-200, -2], [0, 200]], np.float32)
    expected = [[0, 1 / (1 + np.exp(2))], [0.5, 1]]
    assert np.allclose(baselines.apply_sigmoid(logits), expected)


def test_without_its_file_or_package_the_rival_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.tflite"
    assert baselines.load_attention_center(file, 1) == (
        None,
        "no x.tflite (--attention-center FILE)",
    )
    file.write_bytes(b"")

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(baselines.importlib, "import_module", missing)
    rival, reason = baselines.load_attention_center(file, 1)
    assert rival is None
    assert reason == "ai-edge-litert is not installed"


def test_attention_center_finds_a_salient_object(data_dir: Path) -> None:
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai-edge-litert is not installed")
    file = data_dir / "rivals" / "attention-center-map.tflite"
    rival, reason = baselines.load_attention_center(file, 2)
    assert rival is not None, reason
    picture = Image.new("RGB", (400, 300), "grey")
    picture.paste(Image.fromarray(photo(80, 60, 1)), (280, 60))
    saliency = rival(picture)
    assert saliency.shape == (480, 640)
    assert saliency.dtype == np.float32
    row, column = np.unravel_index(saliency.argmax(), saliency.shape)
    assert 60 / 300 <= row / 480 <= 120 / 300
    assert 280 / 400 <= column / 640 <= 360 / 400


def test_a_file_that_is_not_a_network_is_left_out(tmp_path: Path) -> None:
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai-edge-litert is not installed")
    for name in ("broken.tflite", "missing.tflite"):
        if name == "broken.tflite":
            (tmp_path / name).write_bytes(b"no network")
        rival, reason = baselines.load_attention_center(tmp_path / name, 1)
        assert rival is None
        assert name in reason
