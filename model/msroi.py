"""MSROI: one pass of a CNN that maps every salient region of a photo.

Prakash et al., "Semantic Perceptual Image Compression using Deep Convolutional Networks", DCC
2017, arXiv 1612.08712, section 3; here with maps at stride 8 instead of 32, on the backbone of
`model.efficientnet`. Presence as the mean of exponentials: Pinheiro & Collobert, CVPR 2015,
arXiv 1411.6228.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.config import (
    MAX_LOG_EVIDENCE,
    PIXEL_MEAN,
    PIXEL_STD,
    MSROIConfig,
    find_window_length,
)
from model.efficientnet import CAN_FUSE, TAPS, Backbone, Conv

HEAD_WIDTH = 64
# Of the features that only class maps use; the coarse backbone's say what, not where.
CONTEXT_WIDTH = 64
PRIOR_KNOTS = 16


class Refine(nn.Module):
    """Adds context to each position: depthwise 5×5, then 1×1, residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = Conv(width, width, kernel=5, groups=width)
        self.mix = Conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.mix(self.depthwise(x))
        return x + refined  # (N, C, h, w)


class Context(nn.Module):
    """What the coarse strides add to the logarithms of the class maps."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        widths = list(TAPS.values())[1:]
        self.laterals = nn.ModuleList(Conv(width, CONTEXT_WIDTH) for width in widths)
        self.refine = Refine(CONTEXT_WIDTH)
        self.classes = nn.Conv2d(CONTEXT_WIDTH, outputs, 1, bias=False)

    def features(self, *coarse: Tensor) -> Tensor:
        """Return the features: those of the backbone at stride 16 and 32 -> (N, 64, H/16, W/16)."""
        at_16, at_32 = (layer(tap) for layer, tap in zip(self.laterals, coarse, strict=True))
        features: Tensor = self.refine(at_16 + upsample_2x(at_32))
        return features

    def forward(self, *coarse: Tensor) -> Tensor:
        """Return the addends, of the same features: -> (N, C·D, H/8, W/8)."""
        return upsample_2x(self.classes(self.features(*coarse)))


class Evidence(NamedTuple):
    """What the map is drawn from."""

    class_maps: Tensor
    """f_d^c(x, y) > 0: (N, num_classes, features_per_class, h, w)"""
    gaze: Tensor | None
    """(N, h, w) > 0; None: the map is the sum over the present classes."""


class MSROI(nn.Module):
    """The backbone and MSROI's head; `forward` gives the saliency map before normalisation.

    The map is the sum over the present classes. A network that recorded gaze has calibrated keeps
    what it learnt so in `gaze`: its map then is the sum over the features of that layer.
    """

    def __init__(self, config: MSROIConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = Backbone()
        self.laterals = nn.ModuleList(Conv(width, HEAD_WIDTH) for width in TAPS.values())
        self.refine_16 = Refine(HEAD_WIDTH)
        self.refine_8 = Refine(HEAD_WIDTH)
        outputs = len(config.classes) * config.features_per_class
        self.classes = nn.Conv2d(HEAD_WIDTH, outputs, 1)
        self.context = Context(outputs) if config.context else None
        self.gaze = nn.Conv2d(HEAD_WIDTH, config.gaze_features, 1) if config.gaze_features else None
        # Calibrated on recorded gaze. All zeros give the plain sum of the paper.
        self.log_feature_weights = nn.Parameter(
            torch.zeros(len(config.classes), config.features_per_class)
        )
        self.log_prior_y = nn.Parameter(torch.zeros(PRIOR_KNOTS))
        self.log_prior_x = nn.Parameter(torch.zeros(PRIOR_KNOTS))

    def convert_convolutions(self, dtype: torch.dtype) -> None:
        """Convert all convolutions to ``dtype``; class maps and saliency stay float32."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                module.to(dtype)

    def fuse_activations(self) -> None:
        """Fuse each ReLU6 with its convolution, where torch can; for inference on a CPU."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.fused = module.activate and CAN_FUSE

    def fine_features(self, taps: Sequence[Tensor]) -> Tensor:
        """Return the features with detail, of all strides: -> (N, 64, H/8, W/8)."""
        at_8, at_16, at_32 = (
            lateral(tap) for lateral, tap in zip(self.laterals, taps, strict=True)
        )  # each (N, 64, H/stride, W/stride)
        x = self.refine_16(at_16 + upsample_2x(at_32))  # -> (N, 64, H/16, W/16)
        features: Tensor = self.refine_8(at_8 + upsample_2x(x))
        return features

    def class_maps(self, images: Tensor) -> Tensor:
        """Return f_d^c(x, y) > 0: (N, 3, H, W) -> (N, num_classes, features_per_class, h, w)."""
        taps = self.taps(images)
        return self.map_classes(self.fine_features(taps), *taps[1:])

    def evidence(self, images: Tensor) -> Evidence:
        """Return what the map is drawn from: (N, 3, H, W) -> of maps of (H/8, W/8).

        Args:
            images: from `normalise_pixels`; the sides divide by 32.
        """
        taps = self.taps(images)
        fine = self.fine_features(taps)
        return Evidence(self.map_classes(fine, *taps[1:]), self.map_gaze(fine))

    def taps(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the backbone's features at stride 8, 16 and 32: 40, 112 and 320 channels."""
        taps: tuple[Tensor, Tensor, Tensor] = self.backbone(images.to(self.classes.weight.dtype))
        return taps

    def map_classes(self, fine: Tensor, *coarse: Tensor) -> Tensor:
        """Return the class maps: (N, 64, h, w), at stride 16, at 32 -> (N, C, D, h, w) > 0.

        Always float32: the three digits of bfloat16 would show as steps in the map.
        """
        logs = self.classes(fine).float()  # -> (N, C·D, h, w)
        if self.context is not None:
            logs = logs + self.context(*coarse).float()
        maps = exponentiate(logs)
        shape = (len(maps), *self.log_feature_weights.shape, *maps.shape[2:])
        by_class: Tensor = maps.reshape(shape)  # -> (N, C, D, h, w)
        return by_class

    def map_gaze(self, fine: Tensor) -> Tensor | None:
        """Return what recorded gaze has calibrated, float32: (N, 64, h, w) -> (N, h, w) > 0."""
        return None if self.gaze is None else exponentiate(self.gaze(fine).float()).sum(1)

    def presence(self, class_maps: Tensor) -> Tensor:
        """Return Z_c > 0, (N, C, D, h, w) -> (N, C); its probability is σ(log Z) = Z/(1 + Z).

        The paper sums over positions. The mean does not depend on the number of positions, so one
        threshold holds for every size of photo.
        """
        return class_maps.sum(2).mean((2, 3))

    def find_present(self, class_maps: Tensor) -> Tensor:
        """Return which classes the map counts, the likeliest one always: -> (N, C) bool.

        Those whose evidence in some window has a mean above T.
        """
        evidence = class_maps.detach().sum(2)
        z = evidence.mean((2, 3))
        window = [find_window_length(side) for side in evidence.shape[2:]]
        highest = functional.avg_pool2d(evidence, window, stride=1).amax((2, 3))  # -> (N, C)
        return (highest > self.config.threshold) | (z == z.amax(1, keepdim=True))

    def saliency(self, class_maps: Tensor, gaze: Tensor | None = None) -> Tensor:
        """Return the map of an `Evidence`: (N, C, D, h, w), (N, h, w) -> (N, h, w), ≥ 0.

        It is the calibrated `gaze`, else the weighted sum over the present classes.
        """
        evidence = self.sum_present(class_maps) if gaze is None else gaze
        height, width = evidence.shape[1:]
        log_prior_y = interpolate_knots(self.log_prior_y, height)[:, None]  # (16,) -> (h, 1)
        log_prior_x = interpolate_knots(self.log_prior_x, width)  # (16,) -> (w,)
        return evidence * (log_prior_y + log_prior_x).exp()  # (N, h, w)

    def sum_present(self, class_maps: Tensor) -> Tensor:
        """Return the weighted sum over the present classes: (N, C, D, h, w) -> (N, h, w)."""
        present = self.find_present(class_maps)  # (N, C)
        z = self.presence(class_maps.detach())  # (N, C)
        # An absent class may have no evidence at all, and 0 has no negative power.
        levels = present * torch.where(present, z, 1) ** -self.config.levelling
        weights = self.log_feature_weights.exp() * levels[:, :, None]  # -> (N, C, D)
        return torch.einsum("ncd,ncdhw->nhw", weights, class_maps)

    def forward(self, images: Tensor) -> Tensor:
        """Return the saliency before smoothing: (N, 3, H, W) -> (N, H/8, W/8), ≥ 0."""
        return self.saliency(*self.evidence(images))


def exponentiate(logs: Tensor) -> Tensor:
    """Return the exponentials, kept finite."""
    return logs.clamp(max=MAX_LOG_EVIDENCE).exp()


def upsample_2x(x: Tensor) -> Tensor:
    """Return features at half the stride, bilinearly: (N, C, h, w) -> (N, C, 2h, 2w)."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def interpolate_knots(knots: Tensor, size: int) -> Tensor:
    """Return values along an axis of any size, linear between the knots: (k,) -> (size,)."""
    axis: Tensor = functional.interpolate(
        knots[None, None], size=size, mode="linear", align_corners=False
    )  # (1, 1, k) -> (1, 1, size)
    return axis[0, 0]


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Return the network's input from uint8 RGB: (N, H, W, 3) -> (N, 3, H, W) float32."""
    # The permuted view already has the channels_last layout: nothing is copied.
    images = pixels.permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W)
    return (images.float() - PIXEL_MEAN) / PIXEL_STD
