"""Saliency maps: smoothing and scaling to [0, 1], the centre baseline, and a map's score (NSS)."""

import numpy as np
from numpy.typing import NDArray

# Standard deviation of the centre Gaussian, as a share of each side.
CENTRE_SIGMA = 0.3
# Lower peaks are rounding errors; scaling would amplify them into a map.
MIN_PEAK = 1e-6


def smoothing_matrix(samples: int, sigma: float) -> NDArray[np.float32]:
    """Return the Gaussian smoothing matrix of one axis: (n, n) float32, rows sum to 1.

    Args:
        samples: n, the map's size along this axis.
        sigma: standard deviation of the Gaussian, in samples; 0 for no smoothing.
    """
    if sigma == 0:
        return np.eye(samples, dtype=np.float32)
    positions = np.arange(samples)
    weights = np.exp(-0.5 * ((positions[:, None] - positions) / sigma) ** 2)
    matrix: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return matrix


def centre_gaussian(height: int, width: int) -> NDArray[np.float32]:
    """Return a centre-bias baseline map: (height, width) float32 in (0, 1]."""
    down, across = (
        np.exp(-0.5 * (((np.arange(size) + 0.5) / size - 0.5) / CENTRE_SIGMA) ** 2)
        for size in (height, width)
    )
    return np.outer(down, across).astype(np.float32)


def normalise(saliency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale a map to a maximum of 1; an empty one becomes zeros: (h, w) ≥ 0 -> (h, w).

    The minimum is not moved to 0: a photo without anything special then gets a nearly even map
    instead of amplified noise.
    """
    peak = saliency.max()
    return saliency / peak if peak > MIN_PEAK else np.zeros_like(saliency)


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
