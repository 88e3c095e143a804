"""How well a saliency map predicts where people looked. Tied pixels count as fractions.

Definitions: Bylinskii et al., "What do different evaluation metrics tell us about saliency
models?", arXiv 1604.03605. NSS: `model.maps.nss`. AUC-Judd: Judd et al., ICCV 2009; here with every
fixation as a positive, every pixel without one as a negative, and no jitter. Shuffled AUC: Zhang et
al., Journal of Vision 8(7), 2008. Maps are float32 (h, w) ≥ 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.maps import nss

Map = NDArray[np.float32]
Density = NDArray[np.float64]
Fixations = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows, columns

AREAS: Final = {10: 0.10, 25: 0.25, 50: 0.50}
MEASURES: Final = (
    *("nss", "auc_judd", "auc_shuffled", "cc", "kl", "sim"),
    *(f"captured_{percent}" for percent in AREAS),
)
# Of the fixation density, as a share of the photo's diagonal: 25 px on OSIE's 800×600, where
# a degree of visual angle, the usual choice, is about 24 px.
DENSITY_SIGMA: Final = 0.025
# Photos whose fixations are the negatives of shuffled AUC.
OTHER_PHOTOS: Final = 100
SEED: Final = 0
# In KL, as in the paper's code: a pixel that the map excludes costs at most log(1/ε).
EPSILON: Final = float(np.finfo(np.float64).eps)


def measure_map(
    saliency: Map, fixations: Fixations, others: Fixations | None = None
) -> dict[str, float]:
    """Return the measures of one map of the photo's size.

    Args:
        saliency: the map.
        fixations: where people looked, from `locate_fixations`.
        others: from `shuffle_fixations`; None leaves out ``auc_shuffled``.
    """
    looked_at = saliency[fixations]
    elsewhere = np.ones(saliency.shape, bool)
    elsewhere[fixations] = False
    density = fixation_density(fixations, saliency.shape)
    found = {
        "nss": nss(saliency, fixations),
        "auc_judd": area_under_curve(looked_at, saliency[elsewhere]),
        "cc": correlation(saliency, density),
        "kl": divergence(saliency, density),
        "sim": similarity(saliency, density),
    }
    if others is not None:
        found["auc_shuffled"] = area_under_curve(looked_at, saliency[others])
    for percent, area in AREAS.items():
        found[f"captured_{percent}"] = float(find_hottest(saliency, area)[fixations].mean())
    return {name: round(found[name], 4) for name in MEASURES if name in found}


def area_under_curve(positives: NDArray[Any], negatives: NDArray[Any]) -> float:
    """Return the area under the ROC curve: the share of pairs whose positive is higher, ties half."""
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, "left")
    at_most = np.searchsorted(ordered, positives, "right")
    return float(np.mean(below + at_most)) / 2 / ordered.size


def correlation(saliency: Map, density: Density) -> float:
    """Return Pearson's coefficient (CC); 0 if either is uniform."""
    a = saliency - saliency.mean(dtype=np.float64)
    b = density - density.mean()
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale > 0 else 0.0


def divergence(saliency: Map, density: Density) -> float:
    """Return the Kullback–Leibler divergence of the map from the density, in nats; 0 is best."""
    predicted, looked_at = as_distribution(saliency), as_distribution(density)
    terms = looked_at * np.log(EPSILON + looked_at / (predicted + EPSILON))
    return float(np.sum(terms))


def similarity(saliency: Map, density: Density) -> float:
    """Return the histogram intersection (SIM), 0 to 1."""
    return float(np.sum(np.minimum(as_distribution(saliency), as_distribution(density))))


def as_distribution(values: NDArray[Any]) -> Density:
    """Return values ≥ 0 with a sum of 1; a map of zeros becomes uniform."""
    distribution: Density = values.astype(np.float64)
    if not distribution.any():
        distribution += 1
    distribution /= distribution.sum()
    return distribution


def find_hottest(saliency: Map, area: float) -> Density:
    """Return a mask of the hottest pixels that make up this share of the area: 1 inside, 0 outside.

    Pixels tied at the border get equal fractions, so a uniform map captures exactly the area.
    """
    wanted = area * saliency.size
    last = saliency.size - int(np.ceil(wanted))
    border = np.partition(saliency, last, axis=None)[last]
    above, tied = saliency > border, saliency == border
    region: Density = above.astype(np.float64)
    region[tied] = (wanted - np.count_nonzero(above)) / np.count_nonzero(tied)
    return region


def fixation_density(fixations: Fixations, shape: tuple[int, ...]) -> Density:
    """Return the fixations blurred by a Gaussian of `DENSITY_SIGMA`, with a sum of 1."""
    height, width = shape
    sigma = DENSITY_SIGMA * np.hypot(height, width)
    rows, columns = fixations
    down = np.exp(-0.5 * ((np.arange(height) - rows[:, None]) / sigma) ** 2)  # (n, h)
    across = np.exp(-0.5 * ((np.arange(width) - columns[:, None]) / sigma) ** 2)  # (n, w)
    return as_distribution(down.T @ across)  # -> (h, w)


def locate_fixations(points_xy: Sequence[Sequence[float]], shape: tuple[int, int]) -> Fixations:
    """Return the (rows, columns) of fixations; those outside the photo move to its edge."""
    points = np.asarray(points_xy, np.float64)
    height, width = shape
    columns = np.clip(points[:, 0].astype(np.intp), 0, width - 1)
    return np.clip(points[:, 1].astype(np.intp), 0, height - 1), columns


def shuffle_fixations(recorded: Mapping[str, Any], name: str) -> Fixations | None:
    """Return fixations of up to 100 other photos, scaled to this photo; None without others.

    Drawn with `SEED`, independent of which photos are measured.
    """
    own = recorded[name]
    names = sorted(other for other in recorded if other != name and recorded[other]["fixations_xy"])
    if not names:
        return None
    drawn = np.random.default_rng(SEED).permutation(len(names))[:OTHER_PHOTOS]
    scaled = []
    for other in (recorded[names[index]] for index in drawn):
        factors = (own["width"] / other["width"], own["height"] / other["height"])
        scaled.append(np.asarray(other["fixations_xy"], np.float64) * factors)
    points: list[list[float]] = np.concatenate(scaled).tolist()
    return locate_fixations(points, (own["height"], own["width"]))


def scale_map(saliency: Map, shape: tuple[int, int]) -> Map:
    """Return the map at the photo's size, scaled bilinearly."""
    height, width = shape
    scaled = Image.fromarray(saliency).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(scaled)
