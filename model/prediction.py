"""What the network says of a photo: the saliency map, the classes that it may show, and where."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The most classes of a photo that are handed on. Less probable ones are not worth a map; the rule for
# regions asks for more (worker/image/regions.py).
MAX_CLASSES: Final = 7
LEAST_PROBABILITY: Final = 0.1


class Prediction(NamedTuple):
    """The network's output for one photo; k classes, at most `MAX_CLASSES`, the most probable first."""

    saliency: NDArray[np.float32]
    """(h, w) in [0, 1]"""
    classes: tuple[str, ...]
    """The names of the classes that may be in the photo."""
    probabilities: NDArray[np.float32]
    """(k,) that the photo shows each, in [`LEAST_PROBABILITY`, 1]"""
    class_maps: NDArray[np.float32]
    """(k, h, w) the evidence for each at each place, as a share of its highest: in [0, 1]"""


def find_probabilities(evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return σ(log Z) of the classes' mean evidence Z ≥ 0: (C,) -> (C,)."""
    probabilities: NDArray[np.float32] = evidence / (1 + evidence)
    return probabilities


def select_classes(
    saliency: NDArray[np.float32], class_maps: NDArray[np.float32], names: tuple[str, ...]
) -> Prediction:
    """Return the prediction with the most probable of all classes.

    Args:
        saliency: (h, w).
        class_maps: (h, w, C·D) ≥ 0, the network's.
        names: of the C classes.
    """
    height, width, _ = class_maps.shape
    samples = class_maps.reshape(height * width, -1)  # -> (h·w, C·D)
    # numpy's own mean takes three times as long along this axis
    evidence = np.einsum("nf->f", samples).reshape(len(names), -1).sum(1) / len(samples)
    probabilities = find_probabilities(evidence)  # (C,)
    chosen = np.argsort(-probabilities, kind="stable")[:MAX_CLASSES]
    chosen = chosen[probabilities[chosen] >= LEAST_PROBABILITY]  # (k,)
    by_class = class_maps.reshape(height, width, len(names), -1)
    maps = np.empty((len(chosen), height, width), np.float32)
    for found, index in zip(maps, chosen, strict=True):
        by_class[:, :, index].sum(-1, out=found)
    return describe(saliency, tuple(names[index] for index in chosen), probabilities[chosen], maps)


def describe(
    saliency: NDArray[np.float32],
    classes: tuple[str, ...],
    probabilities: NDArray[np.float32],
    evidence: NDArray[np.float32],
) -> Prediction:
    """Return the prediction; scales each class's evidence, (k, h, w) ≥ 0, to a highest of 1."""
    peaks = evidence.max((1, 2), initial=0)[:, None, None]
    return Prediction(saliency, classes, probabilities, evidence / np.maximum(peaks, 1e-12))
