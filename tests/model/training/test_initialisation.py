import numpy as np
import pytest
import torch
from torch import Tensor

from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training.classifier import Classifier
from model.training.initialisation import (
    INITIAL_PRESENCE,
    initialise_context,
    initialise_head,
    list_refinements,
)
from tests.photos import photo


@pytest.fixture(scope="module")
def images() -> Tensor:
    pixels = np.stack([photo(128, 96, seed) for seed in range(4)])
    return normalise_pixels(torch.from_numpy(pixels))


@pytest.fixture(scope="module")
def initialised(images: Tensor, classifier: Classifier) -> MSROI:
    torch.manual_seed(0)
    network = MSROI(MSROIConfig(("cat", "person", "face")))
    network.backbone.load_state_dict(classifier.backbone.state_dict())
    initialise_head(network, images)
    return network


def test_every_channel_of_the_head_has_mean_one_half_and_deviation_one(
    initialised: MSROI, images: Tensor
) -> None:
    seen: list[Tensor] = []
    layers = [*initialised.laterals, *list_refinements(initialised)]
    # A copy, because the activation works in place.
    hooks = [
        layer.conv.register_forward_hook(lambda *call: seen.append(call[2].clone()))
        for layer in layers
    ]
    with torch.inference_mode():
        initialised(images)
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(layers) == 7
    for layer, values in zip(layers, seen, strict=True):
        mean, deviation = values.mean((0, 2, 3)), values.std((0, 2, 3))
        assert (mean - 0.5).abs().max() < 1e-2, layer
        assert (deviation - 1).abs().max() < 1e-2, layer


def test_every_class_starts_with_a_low_presence(initialised: MSROI, images: Tensor) -> None:
    with torch.inference_mode():
        presence = initialised.presence(initialised.class_maps(images))
    assert presence.shape == (4, 3)
    assert INITIAL_PRESENCE / 3 < presence.min() < presence.max() < INITIAL_PRESENCE * 3


def test_the_context_starts_so_too_and_the_rest_stays(images: Tensor) -> None:
    torch.manual_seed(0)
    network = MSROI(MSROIConfig(("cat", "person", "face"), context=True, gaze_features=2))
    assert network.context is not None
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    initialise_context(network, images)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]) != name.startswith(("context.", "classes.")), name
    with torch.inference_mode():
        presence = network.presence(network.class_maps(images))
    assert INITIAL_PRESENCE / 3 < presence.min() < presence.max() < INITIAL_PRESENCE * 3


def test_the_backbone_stays_as_published(initialised: MSROI, classifier: Classifier) -> None:
    published = classifier.backbone.state_dict()
    found = initialised.backbone.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in published.items())
