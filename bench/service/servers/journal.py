"""A line for each batch of a rival: when and in which process it ended, what its stages took.

Rivals have no metrics of ours, so the compressor behind each of them writes this journal.
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
    """One batch; ``ended_s`` is on the monotonic clock, which processes of a machine share."""

    pid: int
    ended_s: float
    decode_ms: list[float]
    predict_ms: float
    encode_ms: list[float]


Record = Callable[[Batch], None]


def open_journal() -> Record:
    """Return what records a batch: in the file that the environment names, if it names one."""
    path = os.environ.get(JOURNAL_VARIABLE)
    if not path:
        return lambda _: None
    # One write to a file opened for appending, so that processes can't mix their lines; it takes
    # some 20 µs a batch.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def record(batch: Batch) -> None:
        os.write(descriptor, (json.dumps(asdict(batch)) + "\n").encode())

    return record


def read_batches(path: Path) -> list[Batch]:
    """Return what has been recorded so far."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text().rpartition("\n")
    return [Batch(**json.loads(line)) for line in whole.splitlines()]


def summarize_batches(batches: Sequence[Batch]) -> dict[str, Any]:
    """Return the mean batch, and median and mean in ms of each stage for one photo.

    As in our ``Server-Timing``, ``predict`` is the whole batch's pass for each of its photos.
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
