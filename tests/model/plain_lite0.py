"""A slow, plain EfficientNet-Lite0 as a reference: functions over the published state dict."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

# Kernel, stride, input width and expansion of each of the 16 blocks.
BLOCKS = (
    (3, 1, 32, 1), (3, 2, 16, 6), (3, 1, 24, 6), (5, 2, 24, 6), (5, 1, 40, 6), (3, 2, 40, 6),
    (3, 1, 80, 6), (3, 1, 80, 6), (5, 1, 80, 6), (5, 1, 112, 6), (5, 1, 112, 6), (5, 2, 112, 6),
    (5, 1, 192, 6), (5, 1, 192, 6), (5, 1, 192, 6), (3, 1, 192, 6),
)  # fmt: skip


def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad like TensorFlow's SAME: an odd sample goes to the bottom and right."""
    pads: list[int] = []
    for side in (x.shape[3], x.shape[2]):
        missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads += [missing // 2, missing - missing // 2]
    return functional.pad(x, pads)


def class_maps(published: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """Return the classifier applied at each position: (N, 3, H, W) -> (N, 1000, h, w)."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = published[f"{name}.running_mean"], published[f"{name}.running_var"]
        weight, bias = published[f"{name}.weight"], published[f"{name}.bias"]
        return functional.batch_norm(x, mean, variance, weight, bias, eps=1e-3)

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = published[f"{name}.weight"]
        return functional.conv2d(
            pad_same(x, weight.shape[2], stride), weight, stride=stride, groups=groups
        )

    x = conv(images, "_conv_stem", stride=2)
    x = norm(x, "_bn0").clamp(0, 6)
    for index, (kernel, stride, width, expansion) in enumerate(BLOCKS):
        name = f"_blocks.{index}"
        y = x
        if expansion > 1:
            y = norm(conv(y, f"{name}._expand_conv"), f"{name}._bn0").clamp(0, 6)
        assert published[f"{name}._depthwise_conv.weight"].shape[2] == kernel
        y = conv(y, f"{name}._depthwise_conv", stride, groups=width * expansion)
        y = norm(y, f"{name}._bn1").clamp(0, 6)
        y = norm(conv(y, f"{name}._project_conv"), f"{name}._bn2")
        x = x + y if x.shape == y.shape else y
    x = norm(conv(x, "_conv_head"), "_bn1").clamp(0, 6)
    bias = published["_fc.bias"][:, None, None]
    return torch.einsum("kc,nchw->nkhw", published["_fc.weight"], x) + bias
