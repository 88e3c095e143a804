"""Depthwise convolutions with fixed kernels: they pass gradients on but do not learn.

On a CPU, PyTorch's backward pass of depthwise 5×5 convolutions takes most of a training step,
and their kernels are 6 % of the weights. With fixed kernels the gradient of the input is a
convolution with the flipped kernel. It runs as fast as the forward pass, and a step takes half the
time.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class FixedDepthwise(torch.autograd.Function):
    """Depthwise convolution without a gradient of weight and bias."""

    @staticmethod
    def forward(  # noqa: PLR0917 -- autograd passes no keywords
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int
    ) -> Tensor:
        """Convolve: (N, C, H, W), (C, 1, k, k), (C,) -> (N, C, h, w)."""
        ctx.save_for_backward(weight)
        ctx.geometry = (x.shape, stride, padding)
        return functional.conv2d(x, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the input, (N, C, h, w) -> (N, C, H, W), and None for the rest."""
        (gradient,) = gradients
        (weight,) = ctx.saved_tensors
        input_shape, stride, padding = ctx.geometry
        kernel = weight.shape[-1]
        if stride == 1:
            input_gradient = functional.conv2d(
                gradient, weight.flip(2, 3), None, 1, kernel - 1 - padding, groups=len(weight)
            )
        else:
            output_padding = [
                input_side - ((side - 1) * stride - 2 * padding + kernel)
                for input_side, side in zip(input_shape[2:], gradient.shape[2:], strict=True)
            ]
            input_gradient = functional.conv_transpose2d(
                gradient, weight, None, stride, padding, output_padding, groups=len(weight)
            )
        return input_gradient, None, None, None, None


class FixedDepthwiseConv(nn.Conv2d):
    """Replacement for a depthwise `nn.Conv2d`, with the same tensors under the same names."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 -- the base class names it so
        """Convolve: (N, C, H, W) -> (N, C, h, w)."""
        assert self.bias is not None
        stride, padding = self.stride[0], self.padding[0]
        assert isinstance(padding, int)
        convolved: Tensor = FixedDepthwise.apply(input, self.weight, self.bias, stride, padding)  # type: ignore[no-untyped-call]
        return convolved


def fix_depthwise(module: nn.Module) -> None:
    """Fix the kernels of all depthwise convolutions in `module`, in place."""
    for conv in module.modules():
        if isinstance(conv, nn.Conv2d) and conv.groups > 1:
            conv.__class__ = FixedDepthwiseConv
            conv.requires_grad_(requires_grad=False)
