"""Saliency maps: smoothing and scaling to [0, 1], the centre baseline, and a map's score (NSS)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Standard deviation of the centre Gaussian, as a share of each side.
CENTRE_SIGMA = 0.3
# Lower peaks are rounding errors; scaling would amplify them into a map.
MIN_PEAK = 1e-6


def smoothing_matrix(samples: int, sigma: float) -> Tensor:
    """Return the Gaussian smoothing matrix of one axis: (n, n) float32, rows sum to 1.

    Args:
        samples: n, the map's size along this axis.
        sigma: standard deviation of the Gaussian, in samples; 0 for no smoothing.
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
    """Scale each map to a maximum of 1; an empty one becomes zeros: (N, h, w) ≥ 0 -> (N, h, w).

    The minimum is not moved to 0: a photo without anything special then gets a nearly even map
    instead of amplified noise.
    """
    peak = saliency.amax((1, 2), keepdim=True)  # (N, h, w) -> (N, 1, 1)
    return torch.where(peak > MIN_PEAK, saliency / peak.clamp_min(MIN_PEAK), 0.0)


def nss(saliency: NDArray[np.float32], fixations: tuple[NDArray[np.intp], ...]) -> float:
    """Return the mean of the standardised map at the fixations; 0 for a uniform map.

    Normalised scanpath saliency: Peters et al., Vision Research 45, 2005.

    Args:
        saliency: (h, w) float32.
        fixations: rows and columns, each (n,).
    """
    spread = float(saliency.std(dtype=np.float64))
    if spread == 0:
        return 0.0
    at_fixations = float(saliency[fixations].mean(dtype=np.float64))
    return (at_fixations - float(saliency.mean(dtype=np.float64))) / spread
