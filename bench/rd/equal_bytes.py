"""Measures of a rival at given bytes, and its bytes at a given score.

A rival's quality is a whole number. Values between two neighbouring qualities are interpolated
linearly over the logarithm of the bytes.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.encoders import Writer


@dataclass(frozen=True)
class RivalFile:
    """One file of a rival."""

    quality: int
    jpeg: bytes
    encode_ms: float


def enclose_bytes(write: Writer, target_bytes: int) -> tuple[RivalFile, RivalFile]:
    """Return the files of the neighbouring qualities around `target_bytes`, the smaller one first.

    The same file twice if one has exactly these bytes, if quality 1 is too large, or if 100 is too
    small.
    """
    files: dict[int, RivalFile] = {}

    def at(quality: int) -> RivalFile:
        if quality not in files:
            started = time.perf_counter()
            jpeg = write(quality)
            files[quality] = RivalFile(quality, jpeg, (time.perf_counter() - started) * 1000)
        return files[quality]

    low, high = 1, 100
    if len(at(low).jpeg) >= target_bytes:
        return at(low), at(low)
    if len(at(high).jpeg) <= target_bytes:
        return at(high), at(high)
    while high - low > 1:
        middle = (low + high) // 2
        if len(at(middle).jpeg) <= target_bytes:
            low = middle
        else:
            high = middle
    if len(at(low).jpeg) == target_bytes:
        return at(low), at(low)
    return at(low), at(high)


def measure_at(
    pair: tuple[RivalFile, RivalFile],
    target_bytes: int,
    measure: Callable[[bytes], Mapping[str, float]],
) -> dict[str, float]:
    """Return the measures at `target_bytes`, with the bytes and the interpolated quality."""
    low, high = pair
    own = measure(low.jpeg)
    if low is high:
        return {"bytes": len(low.jpeg), "quality": low.quality, **own}
    span = math.log(len(high.jpeg) / len(low.jpeg))
    share = math.log(target_bytes / len(low.jpeg)) / span
    other = measure(high.jpeg)
    mixed = {key: value + share * (other[key] - value) for key, value in own.items()}
    return {"bytes": target_bytes, "quality": low.quality + share, **mixed}


def find_bytes(write: Writer, score: Callable[[bytes], float], wanted: float) -> float | None:
    """Return the bytes at which a rival scores `wanted`; None if no quality does.

    Args:
        write: returns the file of a quality in 1..100.
        score: returns the measure of a file, which grows with quality except for single steps.
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
