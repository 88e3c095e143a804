"""GPU utilisation during a measurement, from ``nvidia-smi``."""

import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final

from bench.load.service_process import stop_child

QUERY: Final = ("--query-gpu=index,utilization.gpu", "--format=csv,noheader,nounits")
# One process reports repeatedly; starting one for each sample would cost CPU time.
PERIOD_MS: Final = 500
STOP_TIMEOUT_S: Final = 10.0


@contextmanager
def sample_gpu() -> Iterator[Callable[[], float | None]]:
    """Sample all GPUs; yield a function that returns the mean of the busiest GPU in percent.

    The function averages all samples so far: call it at the end of the window. It returns None
    without a GPU and before the first sample.
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
    """Return the highest mean utilisation of a GPU; lines without a number are ignored."""
    percents_by_gpu: dict[str, list[float]] = {}
    for line in list(lines):
        index, _, percent = line.partition(",")
        try:
            percents_by_gpu.setdefault(index.strip(), []).append(float(percent))
        except ValueError:  # "[N/A]", or the error text of a driver
            continue
    return max(
        (statistics.fmean(percents) for percents in percents_by_gpu.values() if percents),
        default=None,
    )
