"""Post-processing of the network's output into a saliency map: smoothing and scaling to [0, 1]."""

import torch
from torch import Tensor

# Of a centre Gaussian, as a share of each side.
CENTRE_SIGMA = 0.3
# A peak below this is rounding, and scaling would make a map of it.
SILENCE = 1e-6


def smoothing_matrix(samples: int, sigma: float) -> Tensor:
    """Return the Gaussian smoothing matrix of one axis: (n, n) float32, rows sum to 1.

    Args:
        samples: n, of the map along this axis.
        sigma: deviation of the Gaussian, in samples; 0 for no smoothing.
    """
    if sigma == 0:
        return torch.eye(samples)
    positions = torch.arange(samples, dtype=torch.float32)
    weights = torch.exp(-0.5 * ((positions[:, None] - positions) / sigma) ** 2)
    return weights / weights.sum(1, keepdim=True)


def centre_gaussian(height: int, width: int) -> Tensor:
    """Return a centre-bias baseline map: (height, width) float32 in (0, 1]."""
    down, across = (
        torch.exp(-0.5 * (((torch.arange(size) + 0.5) / size - 0.5) / CENTRE_SIGMA) ** 2)
        for size in (height, width)
    )
    return torch.outer(down, across)


def normalise(saliency: Tensor) -> Tensor:
    """Scale each map to a maximum of 1, a silent one to zeros: (N, h, w) ≥ 0 -> (N, h, w).

    The smallest value stays above 0 where the network answers everywhere alike, so a
    photo without anything special gets a nearly even map and not amplified noise.
    """
    peak = saliency.amax((1, 2), keepdim=True)  # (N, h, w) -> (N, 1, 1)
    return torch.where(peak > SILENCE, saliency / peak.clamp_min(SILENCE), 0.0)
