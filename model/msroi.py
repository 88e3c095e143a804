"""MSROI: one pass of a CNN that maps every salient region of a photo.

Network: EfficientNet-Lite0 (Tan & Le, ICML 2019, arXiv 1905.11946; the Lite variant
leaves out squeeze-and-excitation and uses ReLU6). Head: "Semantic Perceptual Image
Compression using Deep Convolutional Networks" (Prakash et al., DCC 2017,
arXiv 1612.08712), section 3.
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
HEAD_WIDTH = 1280
# TensorFlow's EfficientNet was trained with it; PyTorch's default of 1e-5 shifts every layer.
BATCH_NORM_EPS = 1e-3
# The backbone's own scaling; the usual ImageNet constants cost 11 points of top-1 accuracy.
PIXEL_MEAN = 127.0
PIXEL_STD = 128.0


@dataclass(frozen=True)
class MSROIConfig:
    """What a set of weights was made for; travels inside the weights file."""

    num_classes: int = 1000  # ImageNet's, the backbone's own
    features_per_class: int = 1  # D in the paper; 1 makes f^c the class activation map
    # T: a class counts as present when its mean response is above. Of twelve values between
    # -inf and 6 the best mean NSS on the fitting half of the recorded gaze (docs/model-card.md).
    threshold: float = -1.0
    # Photos become squares of this side, so that any of them share a batch; a multiple of 32.
    # Larger ones gain on photos of objects, lose on scenes, and cost with the area.
    input_side_px: int = 384


class ConvNorm(nn.Module):
    """Convolution and batch norm with TensorFlow's SAME padding, optionally ReLU6."""

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
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.crops:
            x = x[:, :, 1:, 1:]  # (N, C, H/2 + 1, W/2 + 1) -> (N, C, H/2, W/2)
        x = self.norm(x)
        return functional.relu6(x, inplace=True) if self.activate else x

    def fold(self) -> None:
        """Merge the batch norm into the convolution, for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = nn.utils.fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class MBConv(nn.Module):
    """Inverted bottleneck: expand, depthwise convolution, project; residual where shapes allow."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = ConvNorm(inputs, hidden) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(hidden, hidden, kernel=kernel, stride=stride, groups=hidden)
        self.project = ConvNorm(hidden, outputs, activate=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.expand(x)  # (N, C, H, W) -> (N, 6C, H, W)
        y = self.depthwise(y)  # (N, 6C, H, W) -> (N, 6C, H/stride, W/stride)
        y = self.project(y)  # -> (N, C', H/stride, W/stride)
        return x + y if self.residual else y


class MSROI(nn.Module):
    """The backbone and MSROI's head; `forward` gives the saliency map before normalisation."""

    def __init__(self, config: MSROIConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = ConvNorm(3, STEM_WIDTH, kernel=3, stride=2)
        blocks = []
        width = STEM_WIDTH
        for repeats, kernel, first_stride, expansion, outputs in STAGES:
            for index in range(repeats):
                stride = first_stride if index == 0 else 1
                blocks.append(
                    MBConv(width, outputs, kernel=kernel, stride=stride, expansion=expansion)
                )
                width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = ConvNorm(width, HEAD_WIDTH)
        self.classes = nn.Conv2d(HEAD_WIDTH, config.num_classes * config.features_per_class, 1)

    def features(self, images: Tensor) -> Tensor:
        """Return the backbone's features of normalised images whose sides divide by 32."""
        x = self.stem(images)  # (N, 3, H, W) -> (N, 32, H/2, W/2)
        x = self.blocks(x)  # -> (N, 320, h, w), h = H/32, w = W/32
        features: Tensor = self.head(x)  # -> (N, 1280, h, w)
        return features

    def class_maps(self, images: Tensor) -> Tensor:
        """Return f_d^c(x, y): (N, 3, H, W) -> (N, num_classes, features_per_class, h, w)."""
        maps: Tensor = self.classes(self.features(images))  # -> (N, C·D, h, w)
        classes, features = self.config.num_classes, self.config.features_per_class
        return maps.reshape(len(maps), classes, features, *maps.shape[2:])  # -> (N, C, D, h, w)

    def presence(self, class_maps: Tensor) -> Tensor:
        """Return Z_c, (N, C, D, h, w) -> (N, C).

        The paper sums over the positions; the mean differs by a constant factor of a
        picture's size, so one threshold holds for every size, and with D = 1 it is the
        logit that the backbone was trained to give.
        """
        return class_maps.sum(2).mean((2, 3))

    def saliency(self, class_maps: Tensor) -> Tensor:
        """Sum what speaks for the classes present: (N, C, D, h, w) -> (N, h, w), ≥ 0."""
        present = self.presence(class_maps) > self.config.threshold  # (N, C)
        evidence = class_maps.relu().sum(2)  # -> (N, C, h, w)
        return torch.einsum("nc,nchw->nhw", present.to(evidence.dtype), evidence)  # -> (N, h, w)

    def forward(self, images: Tensor) -> Tensor:
        """Return the saliency before scaling: (N, 3, H, W) -> (N, H/32, W/32), ≥ 0."""
        return self.saliency(self.class_maps(images))

    def fold_batch_norm(self) -> None:
        """Merge every batch norm into its convolution; the network can't be trained after."""
        for module in list(self.modules()):
            if isinstance(module, ConvNorm):
                module.fold()


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Return the network's input of uint8 RGB: (N, H, W, 3) -> (N, 3, H, W) float32."""
    # The permuted view already has the channels_last layout: nothing is copied.
    images = pixels.permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W)
    return (images.float() - PIXEL_MEAN) / PIXEL_STD
