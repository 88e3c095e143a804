"""A finished photo on its way to its client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from contract.messages import Result


class Finished(NamedTuple):
    """What a worker made of one upload; the same bytes lie in Redis under ``result.job_id``."""

    result: Result
    image: bytes
    heatmap: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished photo, and how it was come by.

    ``identity`` names it; ``stage_ms`` are the times of this request, all 0 for a cached result.
    """

    finished: Finished
    identity: str
    stage_ms: Mapping[str, float]
    cached_ms: float | None = None
