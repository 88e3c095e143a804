"""Finished photos and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from contract.messages import Result

# No heatmap is larger: it has at most 1024×1024 pixels (`worker/image/heatmap.py`).
MAX_HEATMAP_BYTES: Final = 2**20


def bound_bytes(result: Result) -> int:
    """Return how many bytes the pictures of ``result`` have at most, before they are read."""
    return result.compressed_bytes + (MAX_HEATMAP_BYTES if result.heatmap_type else 0)


class Finished(NamedTuple):
    """A result with its pictures."""

    result: Result
    image: bytes
    heatmap: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished photo and its origin: worker or cache.

    ``stage_ms`` has the times of the stages for this request, all 0 for a cached result.
    ``cached_ms`` is the time of the look-up in the cache, None for a result of a worker.
    """

    finished: Finished
    identity: str
    stage_ms: Mapping[str, float]
    cached_ms: float | None = None
