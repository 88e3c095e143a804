import copy
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from model.checkpoint import load_network, write_checkpoint
from model.config import MAX_LOG_EVIDENCE, MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.onnx_predictor import OnnxPredictor
from model.torch_predictor import TorchPredictor
from model.training.int8.calibration import calibrate
from model.training.int8.onnx_file import choose_steps, scale_weights, write_onnx
from model.weights_file import SHIPPED_INT8_WEIGHTS, write_weights
from tests.photos import photo

UINT8_MAX, INT16_MAX = 255, 2**15 - 1


@pytest.fixture(scope="module")
def network() -> MSROI:
    return load_network()[0]


@pytest.fixture(scope="module")
def shipped() -> dict[str, NDArray[np.int8]]:
    """Return the stored weights of each convolution: (out, in / groups, k, k)."""
    graph = onnx.load(SHIPPED_INT8_WEIGHTS).graph
    return {
        constant.name: numpy_helper.to_array(constant)
        for constant in graph.initializer
        if constant.name.endswith(".weight.stored")
    }


def test_a_range_reaches_from_0_to_255() -> None:
    for low, high in ((0.0, 6.0), (-42.9, 46.0), (-3.0, 0.0)):
        scale, zero_point = choose_steps(low, high)
        steps = np.rint(np.array([low, 0.0, high]) / scale) + zero_point
        assert steps.tolist() == [0, zero_point, UINT8_MAX]
    assert choose_steps(0.0, 0.0)[0] > 0


def test_the_largest_pair_of_neighbours_decides_the_scale() -> None:
    weights = np.zeros((3, 3, 1, 2))
    weights[0, :2, 0, 0] = 0.5, -0.5
    weights[1, 1:, 0, 0] = 0.5, -0.5  # of two pairs
    weights[2, 0, 0, :] = 0.5, -0.5  # of two positions
    assert scale_weights(weights).tolist() == pytest.approx([1 / 127, 0.5 / 127, 0.5 / 127])
    assert scale_weights(np.full((1, 1, 3, 3), 2.0)).tolist() == pytest.approx([2 / 127])


def test_no_pair_of_shipped_weights_can_saturate_16_bits(
    shipped: dict[str, NDArray[np.int8]],
) -> None:
    assert len(shipped) == 57
    for name, weights in shipped.items():
        sizes = np.abs(weights.astype(int))
        if weights.shape[1] == 1:
            continue
        pairs = sizes[:, 0::2] + sizes[:, 1::2]
        assert UINT8_MAX * pairs.max() <= INT16_MAX, name
        assert pairs.max() > 120, name


def test_maps_of_a_new_file_are_those_of_the_network(network: MSROI, tmp_path: Path) -> None:
    photos = [photo(480, 320, seed=seed) for seed in range(3)]
    path = tmp_path / "new.onnx"
    contents = write_onnx(network, calibrate(network, photos))
    assert contents == write_onnx(network, calibrate(network, photos))
    write_weights(path, contents)
    quantized, exact = OnnxPredictor(path), TorchPredictor("cpu", precision=torch.float32)
    for found, expected in zip(quantized.predict(photos), exact.predict(photos), strict=True):
        shown = np.corrcoef(found.saliency.ravel(), expected.saliency.ravel())
        assert shown[0, 1] > 0.99


@pytest.mark.parametrize(("context", "gaze_features"), [(False, 0), (True, 0), (False, 3)])
def test_a_file_has_the_parts_of_its_network(
    context: bool, gaze_features: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = MSROIConfig(("a", "b"), context=context, gaze_features=gaze_features)
    network = MSROI(config).eval()
    photos = [photo(96, 64, seed=seed) for seed in range(2)]
    path, exact = tmp_path / "new.onnx", tmp_path / "exact.safetensors"
    write_weights(path, write_onnx(network, calibrate(network, photos)))
    write_checkpoint(exact, config, network.state_dict())
    (found,) = OnnxPredictor(path).predict(photos[:1])
    (expected,) = TorchPredictor("cpu", exact, precision=torch.float32).predict(photos[:1])
    assert np.abs(found.saliency - expected.saliency).max() < 0.05
    assert found.classes == expected.classes


def test_class_maps_are_limited(network: MSROI, tmp_path: Path) -> None:
    photos = [photo(96, 96)]
    loud = copy.deepcopy(network)
    with torch.no_grad():
        for layer in (loud.classes, loud.gaze):
            assert isinstance(layer, nn.Conv2d)
            layer.bias += MAX_LOG_EVIDENCE + 60  # type: ignore[operator]
    path = tmp_path / "loud.onnx"
    write_weights(path, write_onnx(loud, calibrate(loud, photos)))
    pixels = np.pad(photos[0][None], ((0, 0), (0, 0), (0, 0), (0, 1)))
    names = ["class_maps", "gaze"]
    class_maps, gaze = OnnxPredictor(path)._session.run(names, {"pixels": pixels})
    limit = np.exp(MAX_LOG_EVIDENCE)
    np.testing.assert_allclose(class_maps, limit, rtol=1e-5)
    np.testing.assert_allclose(gaze, network.config.gaze_features * limit, rtol=1e-5)


def test_biases_take_up_the_errors_of_rounded_weights(network: MSROI, tmp_path: Path) -> None:
    photos = [photo(480, 320, seed=seed) for seed in range(2)]
    activations = calibrate(network, photos)
    errors = []
    for known in (True, False):
        if not known:
            for seen in activations.values():
                seen.means = np.zeros_like(seen.means)
        path = tmp_path / f"{known}.onnx"
        write_weights(path, write_onnx(network, activations))
        session = OnnxPredictor(path)._session
        pixels = np.pad(photos[0][None], ((0, 0), (0, 0), (0, 0), (0, 1)))
        (class_maps,) = session.run(["class_maps"], {"pixels": pixels})
        with torch.inference_mode():
            images = normalise_pixels(torch.from_numpy(photos[0])[None])
            expected = network.class_maps(images).log().flatten(1, 2).numpy().transpose(0, 2, 3, 1)
        errors.append(np.abs((np.log(class_maps) - expected).mean((0, 1, 2))).mean())
    assert errors[0] < 0.7 * errors[1]
