"""Depthwise convolutions that pass gradients on but don't learn.

PyTorch's backward of a depthwise 5×5 takes most of a training step on a CPU, and the kernels
are 6 % of the weights. With fixed kernels the gradient of the input is a convolution with the
turned kernel, which runs as fast as the forward pass: a step takes half the time.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FixedDepthwise(torch.autograd.Function):
    """A depthwise convolution whose weight and bias get no gradient."""

    @staticmethod
    def forward(  # noqa: PLR0917 -- autograd passes no keywords
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int
    ) -> Tensor:
        """Convolve: (N, C, H, W), (C, 1, k, k), (C,) -> (N, C, h, w)."""
        ctx.save_for_backward(weight)
        ctx.of_input = (x.shape, stride, padding)
        return functional.conv2d(x, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the input alone."""
        (gradient,) = gradients
        (weight,) = ctx.saved_tensors
        shape, stride, padding = ctx.of_input
        kernel = weight.shape[-1]
        if stride == 1:
            turned = weight.flip(2, 3)
            into_input = functional.conv2d(
                gradient, turned, None, 1, kernel - 1 - padding, groups=len(weight)
            )
        else:
            missing = [
                whole - ((part - 1) * stride - 2 * padding + kernel)
                for whole, part in zip(shape[2:], gradient.shape[2:], strict=True)
            ]
            into_input = functional.conv_transpose2d(
                gradient, weight, None, stride, padding, missing, groups=len(weight)
            )
        return into_input, None, None, None, None


class FixedDepthwiseConv(nn.Conv2d):
    """A drop-in for a depthwise `nn.Conv2d`: the same tensors under the same names."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 -- the base class names it so
        """Convolve: (N, C, H, W) -> (N, C, h, w)."""
        assert self.bias is not None
        stride, padding = self.stride[0], self.padding[0]
        assert isinstance(padding, int)
        convolved: Tensor = FixedDepthwise.apply(input, self.weight, self.bias, stride, padding)  # type: ignore[no-untyped-call]
        return convolved


def fix_depthwise(module: nn.Module) -> None:
    """Keep every depthwise kernel below `module` as it is from now on."""
    for conv in module.modules():
        if isinstance(conv, nn.Conv2d) and conv.groups > 1:
            conv.__class__ = FixedDepthwiseConv
            conv.requires_grad_(requires_grad=False)
