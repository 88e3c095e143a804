"""Initialisation of the head: layers scaled on a batch of photos, class priors low."""

from typing import Final

import torch
from torch import Tensor, nn

from model.msroi import MSROI, Conv

# Of a class in a window, before anything is learnt.
RARE: Final = 0.02
CLASSES_SPREAD: Final = 0.02


@torch.no_grad()
def initialise_head(network: MSROI, images: Tensor) -> None:
    """Scale what MSROI adds to the backbone: each channel gets mean 0.5 and deviation 1.

    What batch norm does at its first step (Mishkin & Matas, ICLR 2016, arXiv 1511.06422), so
    that the shipped network needs none.

    Args:
        network: with the backbone's weights loaded.
        images: (N, 3, H, W) normalised photos.
    """
    network.eval()
    layers = [*network.laterals, *refinements(network)]
    for layer in layers:
        assert isinstance(layer, Conv)
        nn.init.kaiming_normal_(layer.conv.weight, nonlinearity="relu")
        assert layer.conv.bias is not None
        nn.init.zeros_(layer.conv.bias)
        seen: list[Tensor] = []
        # A copy: ReLU6 works in place.
        hook = layer.conv.register_forward_hook(
            lambda *call, seen=seen: seen.append(call[2].clone())
        )
        network.features(images)
        hook.remove()
        mean, deviation = seen[0].mean((0, 2, 3)), seen[0].std((0, 2, 3)).clamp_min(1e-3)
        layer.conv.weight /= deviation[:, None, None, None]
        layer.conv.bias.copy_(0.5 - mean / deviation)
    nn.init.normal_(network.classes.weight, std=CLASSES_SPREAD)
    bias = torch.tensor(RARE / network.config.features_per_class).log()
    assert network.classes.bias is not None
    nn.init.constant_(network.classes.bias, float(bias))


def refinements(network: MSROI) -> list[nn.Module]:
    """Return the convolutions of both refinements, in the order in which they run."""
    blocks = (network.refine_16, network.refine_8)
    return [layer for block in blocks for layer in (block.depthwise, block.mix)]
