"""A finished photo on its way to its client."""

from typing import NamedTuple

from contract.messages import Result


class Finished(NamedTuple):
    """What a worker made of one upload; the same bytes lie in Redis under ``result.job_id``."""

    result: Result
    image: bytes
    heatmap: bytes | None
