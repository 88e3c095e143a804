"""How busy the GPU is while something is measured, as ``nvidia-smi`` tells it."""

import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from bench.load.service_process import stop_child

QUERY: Final = ("--query-gpu=index,utilization.gpu", "--format=csv,noheader,nounits")
# One process that tells again and again: a new one each time would cost CPU time that counts
# against what is measured.
PERIOD_MS: Final = 500
STOP_TIMEOUT_S: Final = 10.0


@contextmanager
def sample_gpu() -> Iterator[Callable[[], float | None]]:
    """Sample how busy the GPUs are; what is yielded returns the busiest one's mean in percent.

    None without a GPU, or before its first sample. What lies before a call of it is counted, so
    that it is called when the window ends, in here or after.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        yield lambda: None
        return
    lines: list[str] = []
    process = subprocess.Popen(
        [program, *QUERY, f"--loop-ms={PERIOD_MS}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    # Appending to a list is atomic in CPython.
    reader = Thread(target=lines.extend, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        yield lambda: find_busiest_percent(lines)
    finally:
        stop_child(process, STOP_TIMEOUT_S)
        reader.join(STOP_TIMEOUT_S)
        process.stdout.close()


def find_busiest_percent(lines: list[str]) -> float | None:
    """Return the mean of the GPU with the highest one; lines that record no number don't count."""
    told: dict[str, list[float]] = {}
    for line in list(lines):
        index, _, percent = line.partition(",")
        try:
            told.setdefault(index.strip(), []).append(float(percent))
        except ValueError:  # "[N/A]", and what a driver that fails says instead
            continue
    return max((statistics.fmean(percents) for percents in told.values() if percents), default=None)
