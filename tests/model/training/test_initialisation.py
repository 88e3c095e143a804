import numpy as np
import pytest
import torch
from torch import Tensor

from model import MSROI, MSROIConfig
from model.msroi import normalise_pixels
from model.training.backbone import load_classifier
from model.training.initialisation import RARE, initialise_head, refinements
from tests.photos import photo


@pytest.fixture(scope="module")
def images() -> Tensor:
    pixels = np.stack([photo(128, 96, seed) for seed in range(4)])
    return normalise_pixels(torch.from_numpy(pixels))


@pytest.fixture(scope="module")
def started(images: Tensor) -> MSROI:
    torch.manual_seed(0)
    network = MSROI(MSROIConfig(("cat", "person", "face")))
    network.backbone.load_state_dict(load_classifier().backbone.state_dict())
    initialise_head(network, images)
    return network


def test_every_channel_of_the_head_has_mean_one_half_and_deviation_one(
    started: MSROI, images: Tensor
) -> None:
    seen: list[Tensor] = []
    layers = [*started.laterals, *refinements(started)]
    # A copy: the activation overwrites what the convolution returned.
    hooks = [
        layer.conv.register_forward_hook(lambda *call: seen.append(call[2].clone()))
        for layer in layers
    ]
    with torch.inference_mode():
        started.features(images)
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(layers) == 7
    for layer, values in zip(layers, seen, strict=True):
        mean, deviation = values.mean((0, 2, 3)), values.std((0, 2, 3))
        assert (mean - 0.5).abs().max() < 1e-2, layer
        assert (deviation - 1).abs().max() < 1e-2, layer


def test_every_class_starts_rare(started: MSROI, images: Tensor) -> None:
    with torch.inference_mode():
        presence = started.presence(started.class_maps(images))
    assert presence.shape == (4, 3)
    assert RARE / 2 < presence.min() < presence.max() < RARE * 2


def test_the_backbone_stays_as_published(started: MSROI) -> None:
    published = load_classifier().backbone.state_dict()
    found = started.backbone.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in published.items())
