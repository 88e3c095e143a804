"""Finished photos and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from contract.messages import Result


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
