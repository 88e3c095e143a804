"""Losses: cross-entropy of the classes' presence in windows and cells, divergence from gaze."""

import torch
from torch import Tensor
from torch.nn import functional

# Added to arguments of logarithms and to divisors, so that they stay finite.
EPSILON = 1e-8


def presence_loss(class_maps: Tensor, windows: Tensor, presence: Tensor, known: Tensor) -> Tensor:
    """Return the cross-entropy of presence in windows, summed over classes, mean over windows.

    Args:
        class_maps: (B, C, D, h, w) > 0, of `MSROI.class_maps`.
        windows: (B, M, 4) as x1, y1, x2, y2 in shares of the sides.
        presence: (B, M, C) targets in [0, 1].
        known: (B, M, C) bool; unknown targets are ignored.
    """
    height, width = class_maps.shape[3:]
    column_weights = cell_weights(windows[..., 0], windows[..., 2], width)  # -> (B, M, w)
    row_weights = cell_weights(windows[..., 1], windows[..., 3], height)  # -> (B, M, h)
    evidence = class_maps.sum(2)  # -> (B, C, h, w)
    column_means = torch.einsum("bmh,bchw->bmcw", row_weights, evidence)
    z = torch.einsum("bmw,bmcw->bmc", column_weights, column_means)  # Z_c of each window
    # The probability is σ(log Z), as in `MSROI.presence`.
    losses = functional.binary_cross_entropy_with_logits(
        (z + EPSILON).log(), presence, reduction="none"
    )
    return (losses * known).sum(2).mean()


def cells_loss(class_maps: Tensor, cells: Tensor, known: Tensor) -> Tensor:
    """Return the cross-entropy of presence in cells, summed over classes, mean over cells.

    Args:
        class_maps: (B, C, D, h, w) > 0, of `MSROI.class_maps`.
        cells: (B, C, h', w') targets in [0, 1]; h and w are multiples of h' and w'.
        known: (B, C, h', w') bool; unknown targets are ignored.
    """
    rows, columns = cells.shape[2:]
    z = functional.adaptive_avg_pool2d(class_maps.sum(2), (rows, columns))  # -> (B, C, h', w')
    losses = functional.binary_cross_entropy_with_logits(
        (z + EPSILON).log(), cells, reduction="none"
    )
    return (losses * known).sum(1).mean()


def cell_weights(start: Tensor, end: Tensor, cells: int) -> Tensor:
    """Return the share of [start, end] in each cell of an axis: (...) -> (..., cells), sums 1."""
    edges = torch.arange(cells + 1, device=start.device, dtype=start.dtype) / cells
    overlap = torch.minimum(end[..., None], edges[1:]) - torch.maximum(start[..., None], edges[:-1])
    overlap = overlap.clamp_min(0)
    return overlap / overlap.sum(-1, keepdim=True).clamp_min(EPSILON)


def gaze_loss(saliency: Tensor, density: Tensor) -> Tensor:
    """Return the mean divergence KL(gaze ‖ map), in nats: (B, h, w), (B, h, w) -> ()."""
    predicted = saliency / (saliency.sum((1, 2), keepdim=True) + EPSILON)
    gain = ((density + EPSILON) / (predicted + EPSILON)).log()
    return (density * gain).sum((1, 2)).mean()
