"""What turns the network's coarse grid into a saliency map: smooth, in [0, 1]."""

import torch
from torch import Tensor

# Map samples per cell of the network's grid: fine enough for bilinear scaling from there on.
SAMPLES_PER_CELL = 4
# In cells. Of 0.4 to 1.6 the best mean NSS on the fitting half (docs/model-card.md). Cells
# count from their middle; correcting for the lopsided SAME padding (+0.48 cells) costs NSS.
SMOOTHING_SIGMA = 0.6
# Of a centre prior, as a share of each side.
CENTRE_SIGMA = 0.3
# A peak below this is rounding, and scaling would make a map of it.
SILENCE = 1e-6


def smoothing_matrix(cells: int) -> Tensor:
    """Return what draws a finer axis with Gaussians: (4·cells, cells), rows sum to 1."""
    samples = (torch.arange(cells * SAMPLES_PER_CELL) + 0.5) / SAMPLES_PER_CELL
    centres = torch.arange(cells) + 0.5
    weights = torch.exp(-0.5 * ((samples[:, None] - centres) / SMOOTHING_SIGMA) ** 2)
    return weights / weights.sum(1, keepdim=True)


def centre_weights(side: int, strength: float) -> Tensor:
    """Return (side, side) weights in (0, 1]: all 1 at strength 0, a Gaussian at strength 1."""
    offsets = (torch.arange(side) + 0.5) / side - 0.5
    gaussian = torch.exp(-0.5 * (offsets / CENTRE_SIGMA) ** 2)
    return 1 - strength + strength * torch.outer(gaussian, gaussian)


def normalise(saliency: Tensor) -> Tensor:
    """Scale each map to a maximum of 1, a silent one to zeros: (N, h, w) ≥ 0 -> (N, h, w).

    The smallest value stays above 0 where the network answers everywhere alike, so a
    photo without anything special gets a nearly even map and not amplified noise.
    """
    peak = saliency.amax((1, 2), keepdim=True)  # (N, h, w) -> (N, 1, 1)
    return torch.where(peak > SILENCE, saliency / peak.clamp_min(SILENCE), 0.0)
