"""A rival's bytes at a given quality, where its files only come at whole numbers of its own scale."""

import math
from collections.abc import Callable

from bench.encoders import Writing


def find_bytes(write: Writing, score: Callable[[bytes], float], wanted: float) -> float | None:
    """Return the bytes at which a rival's files would score `wanted`, None where none does.

    Between the neighbouring qualities that enclose the score its logarithm is interpolated.

    Args:
        write: a quality in 1..100 to a file.
        score: what to compare files by; it grows with quality, but for single steps.
        wanted: the score.
    """
    low, high = 1, 100
    files = {quality: write(quality) for quality in (low, high)}
    scores = {quality: score(file) for quality, file in files.items()}
    if not scores[low] <= wanted <= scores[high]:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        files[middle] = write(middle)
        scores[middle] = score(files[middle])
        if scores[middle] <= wanted:
            low = middle
        else:
            high = middle
    share = (wanted - scores[low]) / max(scores[high] - scores[low], 1e-9)
    return len(files[low]) * math.exp(share * math.log(len(files[high]) / len(files[low])))
