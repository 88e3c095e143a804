"""A line for each batch of a rival: when and in which process it ended, and its stage times.

Rivals lack Foveate's metrics, so the compressor behind each of them writes this journal.
"""

import json
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.load.statistics import percentile

JOURNAL_VARIABLE: Final = "FOVEATE_BENCH_JOURNAL"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch; ``ended_s`` is on the monotonic clock, which all processes share."""

    pid: int
    ended_s: float
    decode_ms: list[float]
    predict_ms: float
    encode_ms: list[float]


Record = Callable[[Batch], None]


def open_journal() -> Record:
    """Return a function that appends a batch to the file in `JOURNAL_VARIABLE`, if it is set."""
    path = os.environ.get(JOURNAL_VARIABLE)
    if not path:
        return lambda _: None
    # One write to a file opened for appending, so that processes can't mix their lines. It takes
    # about 20 µs.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def record(batch: Batch) -> None:
        os.write(descriptor, (json.dumps(asdict(batch)) + "\n").encode())

    return record


def read_batches(path: Path) -> list[Batch]:
    """Return the recorded batches; a line that is still being written does not count."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text().rpartition("\n")
    return [Batch(**json.loads(line)) for line in whole.splitlines()]


def summarize_batches(batches: Sequence[Batch]) -> dict[str, Any]:
    """Return the mean batch, and median and mean in ms of each photo's stages.

    ``predict`` of each photo is the pass of its whole batch, as in Foveate's ``Server-Timing``.
    """
    times = {
        "decode": [ms for batch in batches for ms in batch.decode_ms],
        "predict": [batch.predict_ms for batch in batches for _ in batch.decode_ms],
        "encode": [ms for batch in batches for ms in batch.encode_ms],
    }
    photos = len(times["decode"])
    if not photos:
        return {"mean_batch": None, "stage_ms": None}
    return {
        "mean_batch": photos / len(batches),
        "stage_ms": {
            stage: {"p50": percentile(own, 0.5), "mean": statistics.fmean(own)}
            for stage, own in times.items()
        },
    }
