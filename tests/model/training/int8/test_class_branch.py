import copy

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from model.checkpoint import load_network
from model.msroi import CONTEXT_WIDTH, MSROI, normalise_pixels
from model.training.int8.class_branch import (
    fit,
    open_session,
    put,
    put_last_rows,
    replace_class_branch,
)
from model.weights_file import SHIPPED_INT8_WEIGHTS
from tests.photos import photo

PHOTOS = [photo(480, 320, seed=seed) for seed in range(6)]


def read_shipped() -> onnx.ModelProto:
    return onnx.load(SHIPPED_INT8_WEIGHTS)


def run(file: onnx.ModelProto, pixels: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    padded = np.pad(pixels[None], ((0, 0), (0, 0), (0, 0), (0, 1)))
    outputs: list[NDArray[np.float32]] = open_session(file, ("class_maps", "gaze")).run(
        None, {"pixels": padded}
    )
    return outputs


@pytest.fixture(scope="module")
def network() -> MSROI:
    """Return the shipped network with other classes."""
    network, _ = load_network()
    network = copy.deepcopy(network)
    assert network.context is not None
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        layers = (network.context.laterals, network.context.classes, network.classes)
        for parameter in (value for layer in layers for value in layer.parameters()):
            spread = 0.3 * parameter.std()
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    return network


@pytest.fixture(scope="module")
def replaced(network: MSROI) -> onnx.ModelProto:
    file = read_shipped()
    replace_class_branch(file, network, PHOTOS)
    return file


def test_the_classes_become_those_of_the_network_and_the_map_stays(
    network: MSROI, replaced: onnx.ModelProto
) -> None:
    pixels = photo(448, 352, seed=7)
    (before, map_before), (after, map_after) = (
        run(file, pixels) for file in (read_shipped(), replaced)
    )
    assert np.array_equal(map_before, map_after)
    with torch.inference_mode():
        maps = network.class_maps(normalise_pixels(torch.from_numpy(pixels)[None]))
    wanted = maps.flatten(1, 2)[0].permute(1, 2, 0).log().numpy()
    errors = [float(np.abs(np.log(found[0]) - wanted).mean()) for found in (before, after)]
    assert errors[1] < 0.4 * errors[0]


def test_a_file_stays_the_same_if_its_branch_is_replaced_again(
    network: MSROI, replaced: onnx.ModelProto
) -> None:
    again = copy.deepcopy(replaced)
    replace_class_branch(again, network, PHOTOS)
    assert again.SerializeToString() == replaced.SerializeToString()


def test_a_file_of_other_classes_or_features_is_an_error(network: MSROI) -> None:
    fewer = copy.deepcopy(network)
    assert fewer.context is not None
    fewer.classes = nn.Conv2d(fewer.classes.in_channels, 4, 1)
    fewer.context.classes = nn.Conv2d(CONTEXT_WIDTH, 4, 1, bias=False)
    with pytest.raises(ValueError, match=r"classes\.kernel: the file has float32 \(64, 56\)"):
        replace_class_branch(read_shipped(), fewer, PHOTOS[:1])
    torch.manual_seed(0)
    untrained = MSROI(network.config).eval()
    with pytest.raises(ValueError, match="the map would change"):
        replace_class_branch(read_shipped(), untrained, PHOTOS[:1])


def test_constants_keep_shape_type_and_what_all_outputs_share() -> None:
    constants = {
        name: numpy_helper.from_array(values, name)
        for name, values in {
            "rows": np.zeros((3, 2), np.int8),
            "shared": np.array(0.5, np.float32),
        }.items()
    }
    put_last_rows(constants, "rows", np.ones((1, 2), np.int8))
    assert numpy_helper.to_array(constants["rows"]).tolist() == [[0, 0], [0, 0], [1, 1]]
    put_last_rows(constants, "shared", np.array(0.5, np.float32))
    with pytest.raises(ValueError, match=r"shared: the file has 0\.5, not 0\.25; the map"):
        put_last_rows(constants, "shared", np.array(0.25, np.float32))
    with pytest.raises(ValueError, match=r"rows: the file has int8 \(3, 2\), not int8 \(2, 2\)"):
        put(constants, "rows", np.ones((2, 2), np.int8))
    with pytest.raises(ValueError, match="not float32"):
        put(constants, "rows", np.ones((3, 2), np.float32))


def test_weights_are_drawn_to_those_before_where_inputs_say_nothing() -> None:
    random = np.random.default_rng(0)
    inputs = torch.from_numpy(random.normal(size=(500, 3)))
    inputs[:, 2] = 0
    true = torch.tensor([[1.0], [-2.0], [0.0], [0.5]]).double()
    wanted = torch.cat([inputs, torch.ones(500, 1)], 1) @ true
    before = torch.tensor([[0.0], [0.0], [7.0], [0.0]]).double()
    found = fit([(inputs, wanted, torch.ones(()))], before)
    torch.testing.assert_close(
        found, torch.tensor([[1.0], [-2.0], [7.0], [0.5]]).double(), atol=0.01, rtol=0
    )
    # Positions without weight do not count.
    weight = torch.ones(500, 1)
    weight[:250] = 0
    wanted[:250] += 100
    torch.testing.assert_close(fit([(inputs, wanted, weight)], before), found, atol=0.02, rtol=0)
