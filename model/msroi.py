"""MSROI: one pass of a CNN that maps every salient region of a photo.

Backbone: EfficientNet-Lite0 (Tan & Le, ICML 2019, arXiv 1905.11946; the Lite variant leaves
out squeeze-and-excitation and uses ReLU6), every batch norm merged into its convolution.
Head: "Semantic Perceptual Image Compression using Deep Convolutional Networks" (Prakash et
al., DCC 2017, arXiv 1612.08712), section 3, at stride 8 instead of 32. Presence as the mean of
exponentials: Pinheiro & Collobert, CVPR 2015, arXiv 1411.6228.
"""

from dataclasses import dataclass

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
MAP_STRIDE = 8
HEAD_WIDTH = 64
# Of the logarithm of a class map, so that its exponential stays finite. The weak weights reach it
# on people, the calibrated ones stay below 6.
MAX_LOG_EVIDENCE = 10.0
PRIOR_KNOTS = 16
# The backbone's own scaling; the usual ImageNet constants cost 11 points of top-1 accuracy.
PIXEL_MEAN = 127.0
PIXEL_STD = 128.0
# What torch's own compiler makes of the two; no public function gives it without a C++ compiler.
FUSED_OP = "_convolution_pointwise"
CAN_FUSE = bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops.mkldnn, FUSED_OP)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class MSROIConfig:
    """What a set of weights was made for; travels inside the weights file."""

    classes: tuple[str, ...]
    features_per_class: int = 2  # D in the paper
    # T: a class counts as present when its mean evidence is above. This and the smoothing are the
    # weak weights' own, chosen on fold 1; step two fits both anew (docs/training.md).
    threshold: float = 0.002
    smoothing_cells: float = 1.0  # deviation of the Gaussian over the map, in its own samples
    # Photos are scaled to about this area, their aspect kept, both sides a multiple of 32.
    input_area_px: int = 480 * 320


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
        # SAME pads one sample less on the top left where the stride is 2 and the side even.
        # Padding one more on every side and dropping the first row and column gives the
        # same samples without a padded copy of the (four times larger) input.
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


class Refine(nn.Module):
    """What a neighbourhood adds to each position: depthwise 5×5, then 1×1, residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = Conv(width, width, kernel=5, groups=width)
        self.mix = Conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.mix(self.depthwise(x))
        return x + refined  # (N, C, h, w)


class MSROI(nn.Module):
    """The backbone and MSROI's head; `forward` gives the saliency map before normalisation."""

    def __init__(self, config: MSROIConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone()
        self.laterals = nn.ModuleList(Conv(width, HEAD_WIDTH) for width in TAPS.values())
        self.refine_16 = Refine(HEAD_WIDTH)
        self.refine_8 = Refine(HEAD_WIDTH)
        outputs = len(config.classes) * config.features_per_class
        self.classes = nn.Conv2d(HEAD_WIDTH, outputs, 1)
        # Gaze calibration; without it zeros, which is the plain sum of the paper.
        self.log_feature_weights = nn.Parameter(
            torch.zeros(len(config.classes), config.features_per_class)
        )
        self.log_prior_y = nn.Parameter(torch.zeros(PRIOR_KNOTS))
        self.log_prior_x = nn.Parameter(torch.zeros(PRIOR_KNOTS))

    def convolve_in(self, dtype: torch.dtype) -> None:
        """Convert what convolves to ``dtype``; class maps and saliency stay float32."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                module.to(dtype)

    def fuse(self) -> None:
        """Let convolutions activate as they write, where torch can: for inference on a CPU."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.fused = module.activate and CAN_FUSE

    def features(self, images: Tensor) -> Tensor:
        """Return what all classes share, of normalised images whose sides divide by 32."""
        images = images.to(self.classes.weight.dtype)
        at_8, at_16, at_32 = (
            lateral(tap) for lateral, tap in zip(self.laterals, self.backbone(images), strict=True)
        )  # each (N, 64, H/stride, W/stride)
        x = self.refine_16(at_16 + double(at_32))  # -> (N, 64, H/16, W/16)
        features: Tensor = self.refine_8(at_8 + double(x))  # -> (N, 64, H/8, W/8)
        return features

    def class_maps(self, images: Tensor) -> Tensor:
        """Return f_d^c(x, y) > 0: (N, 3, H, W) -> (N, num_classes, features_per_class, h, w).

        float32 whatever the convolutions ran in: bfloat16's three digits would be the
        steps of the map.
        """
        logs = self.classes(self.features(images)).float()  # -> (N, C·D, h, w)
        maps = logs.clamp(max=MAX_LOG_EVIDENCE).exp()
        shape = (len(maps), *self.log_feature_weights.shape, *maps.shape[2:])
        by_class: Tensor = maps.reshape(shape)  # -> (N, C, D, h, w)
        return by_class

    def presence(self, class_maps: Tensor) -> Tensor:
        """Return Z_c > 0, (N, C, D, h, w) -> (N, C); its probability is σ(log Z) = Z/(1 + Z).

        The paper sums over the positions; the mean differs by a constant factor of a
        picture's size, so one threshold holds for every size.
        """
        return class_maps.sum(2).mean((2, 3))

    def saliency(self, class_maps: Tensor) -> Tensor:
        """Sum what speaks for the classes present: (N, C, D, h, w) -> (N, h, w), ≥ 0."""
        present = self.presence(class_maps) > self.config.threshold  # (N, C)
        weights = self.log_feature_weights.exp() * present[:, :, None]  # -> (N, C, D)
        evidence = torch.einsum("ncd,ncdhw->nhw", weights, class_maps)  # -> (N, h, w)
        height, width = evidence.shape[1:]
        log_prior_y = stretch(self.log_prior_y, height)[:, None]  # (16,) -> (h, 1)
        log_prior_x = stretch(self.log_prior_x, width)  # (16,) -> (w,)
        return evidence * (log_prior_y + log_prior_x).exp()  # (N, h, w)

    def forward(self, images: Tensor) -> Tensor:
        """Return the saliency before smoothing: (N, 3, H, W) -> (N, H/8, W/8), ≥ 0."""
        return self.saliency(self.class_maps(images))


def convolve_relu6(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Return ReLU6 of a convolution, in one pass over memory instead of two; no gradients."""
    shape = (conv.padding, conv.stride, conv.dilation, conv.groups)
    activated: Tensor = getattr(torch.ops.mkldnn, FUSED_OP)(
        x, conv.weight, conv.bias, *shape, "hardtanh", [0.0, 6.0], ""
    )
    return activated


def double(x: Tensor) -> Tensor:
    """Return features at half the stride: (N, C, h, w) -> (N, C, 2h, 2w)."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def stretch(knots: Tensor, size: int) -> Tensor:
    """Return values along an axis of any size, linear between the knots: (k,) -> (size,)."""
    axis: Tensor = functional.interpolate(
        knots[None, None], size=size, mode="linear", align_corners=False
    )  # (1, 1, k) -> (1, 1, size)
    return axis[0, 0]


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Return the network's input of uint8 RGB: (N, H, W, 3) -> (N, 3, H, W) float32."""
    # The permuted view already has the channels_last layout: nothing is copied.
    images = pixels.permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W)
    return (images.float() - PIXEL_MEAN) / PIXEL_STD
