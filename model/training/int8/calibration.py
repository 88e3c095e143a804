"""The range and the means of every activation of the network, over photos."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.efficientnet import TAPS, Conv, MBConv
from model.msroi import MSROI, Refine, normalise_pixels, upsample_2x

X = TypeVar("X")


class Layers(Protocol[X]):
    """What a pass is made of; `X` is whatever stands for an activation."""

    def convolve(self, conv: Conv, x: X) -> X:
        """Return the convolution of `x` with its activation."""

    def add(self, name: str, x: X, y: X) -> X:
        """Return the sum."""

    def upsample(self, x: X) -> X:
        """Return `x` at twice the size."""

    def pick(self, name: str, x: X, channels: slice) -> X:
        """Return some channels of `x`."""


def walk(network: MSROI, layers: Layers[X], image: X) -> tuple[X, X | None]:
    """Return the fine features, and those of the context at stride 16 if there is one."""
    x = layers.convolve(network.backbone.stem, image)
    taps = []
    # Module lists do not know what they hold.
    for index, block in enumerate(cast("Iterable[MBConv]", network.backbone.blocks)):
        y = layers.convolve(block.expand, x) if isinstance(block.expand, Conv) else x
        y = layers.convolve(block.project, layers.convolve(block.depthwise, y))
        x = layers.add(f"sum_{index}", x, y) if block.residual else y
        if index in TAPS:
            taps.append(x)

    def apply(name: str, layer: nn.Module, tap: X) -> X:
        if isinstance(layer, Channels):
            return layers.pick(name, tap, layer.channels)
        return layers.convolve(cast("Conv", layer), tap)

    def refine(name: str, module: Refine, x: X) -> X:
        mixed = layers.convolve(module.mix, layers.convolve(module.depthwise, x))
        return layers.add(name, x, mixed)

    at_8, at_16, at_32 = (
        apply(f"lateral_{index}", layer, tap)
        for index, (layer, tap) in enumerate(zip(network.laterals, taps, strict=True))
    )
    x = refine("refined_16", network.refine_16, layers.add("at_16", at_16, layers.upsample(at_32)))
    fine = refine("refined_8", network.refine_8, layers.add("at_8", at_8, layers.upsample(x)))
    if network.context is None:
        return fine, None
    at_16, at_32 = (
        apply(f"context_{index}", layer, tap)
        for index, (layer, tap) in enumerate(zip(network.context.laterals, taps[1:], strict=True))
    )
    x = layers.add("context", at_16, layers.upsample(at_32))
    return fine, refine("refined_context", network.context.refine, x)


class Channels(nn.Module):
    """Some channels of an activation; takes the place of a layer that was merged with others."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.channels = slice(start, stop)

    def forward(self, x: Tensor) -> Tensor:
        """Return them: (N, C, h, w) -> (N, stop - start, h, w)."""
        return x[:, self.channels]


@dataclass
class Activation:
    """What was seen of one activation."""

    low: float = 0.0
    high: float = 0.0
    means: NDArray[np.float64] | float = 0.0  # (channels,)
    photos: int = 0

    def observe(self, x: Tensor) -> None:
        """Count the activation of one more photo: (1, C, h, w)."""
        self.low = min(self.low, float(x.min()))
        self.high = max(self.high, float(x.max()))
        self.photos += 1
        seen = x.double().mean((0, 2, 3)).numpy()
        self.means = self.means + (seen - self.means) / self.photos


class Recorder:
    """`Layers` in torch that record each activation by its name."""

    def __init__(self, names: dict[nn.Module, str]) -> None:
        self._names = names
        self.activations: dict[str, Activation] = {}

    def record(self, name: str, x: Tensor) -> Tensor:
        """Record and return an activation."""
        self.activations.setdefault(name, Activation()).observe(x)
        return x

    def convolve(self, conv: Conv, x: Tensor) -> Tensor:
        """Return the convolution of `x` with its activation."""
        return self.record(self._names[conv], conv(x))

    def add(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Return the sum."""
        return self.record(name, x + y)

    def upsample(self, x: Tensor) -> Tensor:
        """Return `x` at twice the size; its range is that of `x`."""
        return upsample_2x(x)

    def pick(self, name: str, x: Tensor, channels: slice) -> Tensor:  # noqa: ARG002 -- as Layers
        """Return some channels of `x`; their range is that of `x`."""
        return x[:, channels]


def name_modules(network: MSROI) -> dict[nn.Module, str]:
    """Return the name of each module in the network's state."""
    return {module: name for name, module in network.named_modules()}


def calibrate(network: MSROI, photos: Iterable[NDArray[np.uint8]]) -> dict[str, Activation]:
    """Return each activation of the network, "image" included, over photos of (H, W, 3)."""
    recorder = Recorder(name_modules(network))
    with torch.inference_mode():
        for photo in photos:
            image = normalise_pixels(torch.from_numpy(photo)[None])
            walk(network, recorder, recorder.record("image", image))
    return recorder.activations
