"""What the network says of a photo: the saliency map, the classes that it may show, and where."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The most classes of a photo that are handed on. Less probable ones are not worth a map; the rule for
# regions asks for more (worker/image/regions.py).
MAX_CLASSES: Final = 7
LEAST_PROBABILITY: Final = 0.1
# A place of a class's map is the mean of a square of this many cells: the map is finer than the network
# is exact. The sides of the network's maps are multiples of it.
CELLS: Final = 2


class Prediction(NamedTuple):
    """The network's output for one photo; k classes, at most `MAX_CLASSES`, the most probable first."""

    saliency: NDArray[np.float32]
    """(h, w) in [0, 1]"""
    classes: tuple[str, ...]
    """The names of the classes that may be in the photo."""
    probabilities: NDArray[np.float32]
    """(k,) that the photo shows each, in [`LEAST_PROBABILITY`, 1]"""
    class_maps: NDArray[np.float32]
    """(k, h/2, w/2) ≥ 0: the evidence for each at each place, as a multiple of its mean over the photo"""


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
    height, width, outputs = class_maps.shape
    samples = class_maps.reshape(height * width, outputs)
    # A product is faster than numpy's own mean along this axis: thrice as fast as einsum.
    means = np.full(len(samples), 1 / len(samples), np.float32) @ samples  # -> (C·D,)
    probabilities = find_probabilities(means.reshape(len(names), -1).sum(1))  # -> (C,)
    chosen = np.argsort(-probabilities, kind="stable")[:MAX_CLASSES]
    chosen = chosen[probabilities[chosen] >= LEAST_PROBABILITY]  # (k,)
    features = outputs // len(names)
    maps = np.zeros((len(chosen), height // CELLS, width // CELLS), np.float32)
    for place, index in enumerate(chosen):
        for feature in range(index * features, (index + 1) * features):
            for row, column in np.ndindex(CELLS, CELLS):
                maps[place] += class_maps[row::CELLS, column::CELLS, feature]
    return describe(saliency, tuple(names[index] for index in chosen), probabilities[chosen], maps)


def describe(
    saliency: NDArray[np.float32],
    classes: tuple[str, ...],
    probabilities: NDArray[np.float32],
    evidence: NDArray[np.float32],
) -> Prediction:
    """Return the prediction; scales each class's evidence, (k, h, w) > 0, to a mean of 1."""
    means = evidence.mean((1, 2), keepdims=True)
    return Prediction(saliency, classes, probabilities, evidence / means)
