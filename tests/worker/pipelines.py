"""Makes pipelines and items, and runs them without a queue."""

import time
from collections.abc import Sequence
from typing import Any

from redis import Redis

from contract.keys import input_key
from contract.messages import Options, Request
from tests.worker.centre_predictor import CentrePredictor
from worker.item import Item
from worker.pipeline import Limits, Pipeline

PATIENCE_S = 60.0


def make_pipeline(
    connection: Redis,
    predictor: CentrePredictor | None = None,
    *,
    threads: int = 2,
    **limits: float,
) -> Pipeline:
    return Pipeline(
        connection,
        predictor or CentrePredictor(),
        threads=threads,
        limits=Limits(
            # A long linger, so that items which are submitted together form one batch.
            **{
                "max_batch_size": 8,
                "max_open_pixels": 10_000_000,
                "max_pixels": 1_000_000,
                "max_linger_ms": 10_000,
                **limits,
            }
        ),
        result_ttl_s=30,
    )


def run(pipeline: Pipeline, items: Sequence[Item], *, in_flight: int = 0) -> list[Item]:
    """Return the items in the order in which they ended."""
    pipeline.submit(items, in_flight=in_flight)
    ended = collect(pipeline, len(items))
    pipeline.close()
    return ended


def collect(pipeline: Pipeline, count: int) -> list[Item]:
    """Return the next items that end; fail when that takes long."""
    ended: list[Item] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while len(ended) < count:
        assert time.monotonic() < deadline_s, f"{len(ended)} of {count} items have ended"
        ended += pipeline.advance(1.0)
    return ended


def make_item(
    connection: Redis,
    job_id: str,
    data: bytes | None,
    *,
    deadline_s: float = 60,
    **options: Any,
) -> Item:
    if data is not None:
        connection.set(input_key(job_id), data, ex=60)
    now_s = time.time()
    chosen = Options(**{"quality": 50, **options})
    return Item(job_id, Request(chosen, "me", len(data or b""), 1, now_s, now_s + deadline_s))
