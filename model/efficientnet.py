"""EfficientNet-Lite0, the backbone of MSROI: features at stride 8, 16 and 32.

Tan & Le, ICML 2019, arXiv 1905.11946. The Lite variant leaves out squeeze-and-excitation and uses
ReLU6. Every batch norm is merged into its convolution.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# Repeats, kernel, stride, expansion, output width: the published EfficientNet-Lite0.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_WIDTH = 32
# The last blocks at stride 8, 16 and 32, and their widths.
TAPS = {4: 40, 10: 112, 15: 320}
# oneDNN's operator for a convolution with its activation. Torch's compiler uses it; the only public
# way to it needs a C++ compiler.
FUSED_OP = "_convolution_pointwise"
CAN_FUSE = bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, FUSED_OP)  # type: ignore[no-untyped-call]


class Conv(nn.Module):
    """Convolution with TensorFlow's SAME padding, optionally ReLU6."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        # With stride 2 and an even side, SAME pads one sample less on the top and left. We pad
        # symmetrically and crop the first row and column of the output: the same samples, without
        # a padded copy of the input, which is four times larger.
        self.crops = stride == 2
        padding = kernel // 2 + self.crops
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups)
        self.activate = activate
        self.fused = False

    def forward(self, x: Tensor) -> Tensor:
        x = convolve_relu6(self.conv, x) if self.fused else self.conv(x)
        if self.crops:
            x = x[:, :, 1:, 1:]  # (N, C, H/2 + 1, W/2 + 1) -> (N, C, H/2, W/2)
        return functional.relu6(x, inplace=True) if self.activate and not self.fused else x


class MBConv(nn.Module):
    """Inverted bottleneck: expand, depthwise convolution, project; residual where shapes allow."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = Conv(inputs, hidden) if expansion > 1 else nn.Identity()
        self.depthwise = Conv(hidden, hidden, kernel=kernel, stride=stride, groups=hidden)
        self.project = Conv(hidden, outputs, activate=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.expand(x)  # (N, C, H, W) -> (N, 6C, H, W)
        y = self.depthwise(y)  # (N, 6C, H, W) -> (N, 6C, H/stride, W/stride)
        y = self.project(y)  # -> (N, C', H/stride, W/stride)
        return x + y if self.residual else y


class Backbone(nn.Module):
    """EfficientNet-Lite0 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, STEM_WIDTH, kernel=3, stride=2)
        blocks = []
        width = STEM_WIDTH
        for repeats, kernel, first_stride, expansion, outputs in STAGES:
            for index in range(repeats):
                stride = first_stride if index == 0 else 1
                blocks.append(
                    MBConv(width, outputs, kernel=kernel, stride=stride, expansion=expansion)
                )
                width = outputs
        self.blocks = nn.ModuleList(blocks)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features at stride 8, 16 and 32 of images whose sides divide by 32."""
        x = self.stem(images)  # (N, 3, H, W) -> (N, 32, H/2, W/2)
        taps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in TAPS:
                taps.append(x)
        at_8, at_16, at_32 = taps  # (N, 40, H/8, W/8), (N, 112, H/16, W/16), (N, 320, H/32, W/32)
        return at_8, at_16, at_32


def convolve_relu6(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return ReLU6 of a convolution, in one pass over memory instead of two; no gradients."""
    shape = (conv.padding, conv.stride, conv.dilation, conv.groups)
    activated: Tensor = getattr(torch.ops.mkldnn, FUSED_OP)(
        x, conv.weight, conv.bias, *shape, "hardtanh", [0.0, 6.0], ""
    )
    return activated
