"""The predictor in 8 bits, held against torch's float32."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import files
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from model.head import Head
from model.maps import nss
from model.onnx_predictor import HEAD, OnnxPredictor
from model.prediction import Prediction
from model.torch_predictor import TorchPredictor
from model.training.photos import is_held
from model.weights_file import SHIPPED_INT8_WEIGHTS, write_weights
from tests.model.pictures import disc, noise
from tests.photos import photo

ROOT = Path(__file__).parents[2]
# Of Microsoft's library that sends events; releases of the runtime from 1.29 on contain it.
TELEMETRY_SYMBOL = b"Microsoft12Applications6Events"


def pictures() -> list[Image.Image]:
    return [
        disc(320, 480, (0.3, 0.6)),
        *(Image.fromarray(photo(720, 480, seed=seed)) for seed in range(3)),
    ]


def prepare_all(predictor: OnnxPredictor) -> list[NDArray[np.uint8]]:
    return [predictor.prepare(picture) for picture in pictures()]


def test_maps_are_nearly_those_of_float32(
    int8_predictor: OnnxPredictor, float32_predictor: TorchPredictor
) -> None:
    inputs = prepare_all(int8_predictor)
    predictions = zip(
        float32_predictor.predict(inputs), int8_predictor.predict(inputs), strict=True
    )
    for (expected, *_), (found, *_) in predictions:
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        assert found.max() == 1
        assert found.min() >= 0
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98
        assert np.abs(found - expected).mean() < 0.03


def test_photos_are_prepared_as_by_torchs_predictor(
    int8_predictor: OnnxPredictor, float32_predictor: TorchPredictor
) -> None:
    for picture in (disc(300, 200), noise(90, 400).convert("L"), Image.new("RGBA", (3, 2))):
        assert np.array_equal(int8_predictor.prepare(picture), float32_predictor.prepare(picture))


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1), (7, 257), (333, 500)])
def test_a_photo_of_any_size_has_a_map(
    int8_predictor: OnnxPredictor, size: tuple[int, int]
) -> None:
    prepared = int8_predictor.prepare(Image.new("RGB", size, "teal"))
    saliency = int8_predictor.predict([prepared])[0].saliency
    assert saliency.shape == (prepared.shape[0] // 8, prepared.shape[1] // 8)
    assert np.isfinite(saliency).all()


def test_the_rest_of_the_batch_and_other_threads_make_no_difference(
    int8_predictor: OnnxPredictor,
) -> None:
    inputs = [*prepare_all(int8_predictor), int8_predictor.prepare(Image.new("RGB", (9, 9)))]
    alone = [int8_predictor.predict([item])[0] for item in inputs]

    def compare(predictions: Sequence[Prediction]) -> None:
        for expected, found in zip(alone, predictions, strict=True):
            assert found.classes == expected.classes
            for name in ("saliency", "probabilities", "class_maps"):
                assert np.array_equal(getattr(found, name), getattr(expected, name)), name

    compare(int8_predictor.predict(inputs))
    assert int8_predictor.side_by_side
    with ThreadPoolExecutor(4) as pool:
        compare([maps[0] for maps in pool.map(lambda one: int8_predictor.predict([one]), inputs)])
    assert int8_predictor.predict([]) == []


def test_products_of_neighbours_fit_into_16_bits(
    int8_predictor: OnnxPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On x86 without VNNI, this setting of the runtime replaces the instruction that saturates."""
    inputs = prepare_all(int8_predictor)
    make = onnxruntime.SessionOptions

    def make_exact() -> onnxruntime.SessionOptions:
        options = make()
        options.add_session_config_entry("session.x64quantprecision", "1")
        return options

    monkeypatch.setattr(onnxruntime, "SessionOptions", make_exact)
    exact = OnnxPredictor()
    predictions = zip(exact.predict(inputs), int8_predictor.predict(inputs), strict=True)
    for (expected, *_), (found, *_) in predictions:
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_warm_up_runs_one_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = OnnxPredictor()
    sizes: list[int] = []
    monkeypatch.setattr(predictor, "predict", lambda batch: sizes.append(len(batch)))
    predictor.warm_up(16)
    assert sizes == [1]


@pytest.mark.parametrize("missing", [".onnx", ".sha256"])
def test_missing_weights_are_named(tmp_path: Path, missing: str) -> None:
    for suffix in {".onnx", ".sha256"} - {missing}:
        shutil.copy(SHIPPED_INT8_WEIGHTS.with_suffix(suffix), tmp_path)
    with pytest.raises(RuntimeError, match=rf"msroi_int8\{missing} is missing"):
        OnnxPredictor(tmp_path / SHIPPED_INT8_WEIGHTS.name)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    for suffix in (".onnx", ".sha256"):
        shutil.copy(SHIPPED_INT8_WEIGHTS.with_suffix(suffix), tmp_path)
    path = tmp_path / SHIPPED_INT8_WEIGHTS.name
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    with pytest.raises(RuntimeError, match="checksum"):
        OnnxPredictor(path)


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    contents = SHIPPED_INT8_WEIGHTS.read_bytes()
    assert contents.count(b'"config"') == 1
    path = tmp_path / "other.onnx"
    write_weights(path, contents.replace(b'"config"', b'"konfig"'))
    with pytest.raises(RuntimeError, match="another version"):
        OnnxPredictor(path)


def test_the_head_is_that_of_the_float_weights(
    int8_predictor: OnnxPredictor, float32_predictor: TorchPredictor
) -> None:
    stored = int8_predictor._session.get_modelmeta().custom_metadata_map[HEAD]
    assert json.loads(stored)["config"]["classes"]
    head, network = Head.from_json(stored), float32_predictor._network
    assert head.config == network.config
    for name in ("log_feature_weights", "log_prior_y", "log_prior_x"):
        assert np.array_equal(getattr(head, name), getattr(network, name).detach().numpy())


def test_a_fresh_process_predicts_without_torch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from PIL import Image; from model import open_predictor\n"
        "predictor = open_predictor('auto'); predictor.warm_up(4)\n"
        "print(predictor.arithmetic, predictor.predict([predictor.prepare(Image.new('L', (9, 9)))])[0].saliency.shape)\n"
        "print([name for name in ('torch', 'onnx', 'numba') if sys.modules.get(name)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["cpu int8 (48, 48)", "[]"], done.stderr


def test_the_installed_runtime_sends_nothing() -> None:
    libraries = [
        Path(str(file.locate()))
        for file in files("onnxruntime") or []
        if ".so" in file.suffixes or file.suffix == ".dylib"
    ]
    assert libraries
    assert not [path.name for path in libraries if TELEMETRY_SYMBOL in path.read_bytes()]


@pytest.mark.data
def test_maps_predict_gaze_as_well_as_those_of_float32(
    int8_predictor: OnnxPredictor, float32_predictor: TorchPredictor, data_dir: Path
) -> None:
    folder = data_dir / "fixations" / "osie"
    recorded = json.loads((folder / "fixations.json").read_text())
    losses = []
    for name in [name for name in sorted(recorded) if is_held(name)][:10]:
        with Image.open(folder / name) as picture:
            inputs = [int8_predictor.prepare(picture)]
        sides = (recorded[name]["width"], recorded[name]["height"])
        shares = np.array(recorded[name]["fixations_xy"]) / sides
        scores = []
        predictions = (*float32_predictor.predict(inputs), *int8_predictor.predict(inputs))
        for saliency in (prediction.saliency for prediction in predictions):
            columns, rows = (shares.clip(0, 1 - 1e-9) * saliency.shape[::-1]).astype(int).T
            scores.append(nss(saliency, (rows, columns)))
        losses.append(scores[0] - scores[1])
    assert abs(np.mean(losses)) < 0.05
