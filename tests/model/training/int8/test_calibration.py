import numpy as np
import pytest
import torch

from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training.int8.calibration import Activation, Recorder, calibrate, name_modules, walk
from tests.photos import photo


@pytest.fixture(scope="module")
def network() -> MSROI:
    torch.manual_seed(0)
    return MSROI(MSROIConfig(("a", "b"), context=True)).eval()


def test_the_walk_is_the_pass_of_the_network(network: MSROI) -> None:
    images = normalise_pixels(torch.from_numpy(photo(128, 96))[None])
    assert network.context is not None
    with torch.inference_mode():
        fine, context = walk(network, Recorder(name_modules(network)), images)
        taps = network.taps(images)
        assert torch.equal(fine, network.fine_features(taps))
        assert context is not None
        assert torch.equal(context, network.context.features(*taps[1:]))


def test_the_walk_ends_at_the_features_of_a_network_without_context() -> None:
    network = MSROI(MSROIConfig(("a", "b"))).eval()
    images = normalise_pixels(torch.from_numpy(photo(64, 64))[None])
    with torch.inference_mode():
        fine, context = walk(network, Recorder(name_modules(network)), images)
        assert torch.equal(fine, network.fine_features(network.taps(images)))
    assert context is None


def test_an_activation_has_the_range_and_the_means_of_all_photos() -> None:
    seen = Activation()
    seen.observe(torch.tensor([[[[1.0, 3.0]], [[0.0, -2.0]]]]))
    seen.observe(torch.tensor([[[[5.0, 5.0]], [[1.0, 1.0]]]]))
    assert (seen.low, seen.high, seen.photos) == (-2.0, 5.0, 2)
    assert np.asarray(seen.means).tolist() == [3.5, 0.0]


def test_a_range_contains_zero() -> None:
    seen = Activation()
    seen.observe(torch.full((1, 1, 2, 2), 4.0))
    assert (seen.low, seen.high) == (0.0, 4.0)


def test_every_convolution_and_sum_is_calibrated(network: MSROI) -> None:
    photos = [photo(128, 96, seed=seed) for seed in range(2)]
    activations = calibrate(network, photos)
    assert {
        "image", "backbone.stem", "laterals.0", "sum_2", "at_8", "refined_8", "refined_context"
    } <= set(activations)  # fmt: skip
    assert all(seen.photos == 2 for seen in activations.values())
    assert activations["backbone.stem"].high <= 6
    expected = np.mean([pixels.mean((0, 1)) for pixels in photos], 0)
    np.testing.assert_allclose(activations["image"].means, (expected - 127) / 128, atol=1e-5)
