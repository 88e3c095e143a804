"""Initialisation of the head: layers scaled on a batch of photos, low presence of all classes."""

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn

from model.efficientnet import Conv
from model.msroi import MSROI

# Presence of each class in a window before training.
INITIAL_PRESENCE: Final = 0.02
CLASSES_STD: Final = 0.02


@torch.no_grad()
def initialise_head(network: MSROI, images: Tensor) -> None:
    """Initialise the head so that each channel has mean 0.5 and standard deviation 1 on `images`.

    Mishkin & Matas, ICLR 2016, arXiv 1511.06422: the effect of batch norm in its first step, so
    the network needs no batch norm.

    Args:
        network: the network, with the backbone's weights loaded.
        images: (N, 3, H, W) normalised photos.
    """
    scale_layers(network, [*network.laterals, *list_refinements(network)], images)
    initialise_classes(network)


@torch.no_grad()
def initialise_context(network: MSROI, images: Tensor) -> None:
    """Initialise the context and the class layers, and nothing else, as `initialise_head` does."""
    assert network.context is not None
    refine = network.context.refine
    scale_layers(network, [*network.context.laterals, refine.depthwise, refine.mix], images)
    initialise_classes(network)
    nn.init.normal_(network.context.classes.weight, std=CLASSES_STD)


def scale_layers(network: MSROI, layers: Iterable[nn.Module], images: Tensor) -> None:
    """Initialise layers in the order of the forward pass."""
    network.eval()
    for layer in layers:
        assert isinstance(layer, Conv)
        nn.init.kaiming_normal_(layer.conv.weight, nonlinearity="relu")
        assert layer.conv.bias is not None
        nn.init.zeros_(layer.conv.bias)
        outputs: list[Tensor] = []
        # A copy, because ReLU6 works in place.
        hook = layer.conv.register_forward_hook(
            lambda *call, outputs=outputs: outputs.append(call[2].clone())
        )
        network.class_maps(images)
        hook.remove()
        mean, deviation = outputs[0].mean((0, 2, 3)), outputs[0].std((0, 2, 3)).clamp_min(1e-3)
        layer.conv.weight /= deviation[:, None, None, None]
        layer.conv.bias.copy_(0.5 - mean / deviation)


def initialise_classes(network: MSROI) -> None:
    """Initialise the class layer so that each class has a low presence everywhere."""
    nn.init.normal_(network.classes.weight, std=CLASSES_STD)
    bias = torch.tensor(INITIAL_PRESENCE / network.config.features_per_class).log()
    assert network.classes.bias is not None
    nn.init.constant_(network.classes.bias, float(bias))


def list_refinements(network: MSROI) -> list[nn.Module]:
    """Return the convolutions of the refinements in the order of the forward pass."""
    blocks = (network.refine_16, network.refine_8)
    return [layer for block in blocks for layer in (block.depthwise, block.mix)]
