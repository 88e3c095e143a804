"""Average precision and calibration of scores for many classes, where not every truth is known."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 10


def average_precision(scores: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Return the mean precision at each positive, best score first: (n,), (n,) -> [0, 1].

    Among equal scores the negatives come first.

    Raises:
        ValueError: there is no positive.
    """
    if not truth.any():
        raise ValueError("no positive")
    ordered = truth[np.lexsort((truth, -scores))]
    precision = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    return float(precision[ordered].mean())


def calibration_error(probabilities: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Return the mean difference of probability and frequency over bins of probability (ECE).

    Guo et al., ICML 2017, arXiv 1706.04599, equation 3, with `BINS` equal bins; both are (n,).
    """
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    errors = [
        abs(float(probabilities[bins == index].mean() - truth[bins == index].mean()))
        * float((bins == index).mean())
        for index in np.unique(bins)
    ]
    return sum(errors)
