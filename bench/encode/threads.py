"""The gain of a second thread: encodes in two threads, in two processes, and a bare kernel.

Two processes share only the machine, so the difference between threads and processes is due to the
encoder. The difference to the bare kernel is due to the cache and memory that cores share.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final

import numba
import numpy as np

import codec
from bench.encode.timing import central_map
from bench.metrics import Picture

THREADS: Final = 2
# Rounds of each side; sides alternate.
ROUNDS: Final = 5
MIN_TASKS: Final = 8
SPINS: Final = 5_000_000

Task = Callable[[int], None]
_encode: list[Task] = []
"""This process's task, set by `prepare`."""


def compare_threads(photos: Sequence[Picture], settings: codec.EncodeSettings) -> dict[str, Any]:
    """Return tasks per second of one thread and of several, by side: encode, processes, control."""
    spin(np.zeros(1), 1)
    prepare(photos, settings)
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        one = stack.enter_context(ThreadPoolExecutor(1))
        threads = stack.enter_context(ThreadPoolExecutor(THREADS))
        processes = stack.enter_context(
            ProcessPoolExecutor(THREADS, context, initializer=prepare, initargs=(photos, settings))
        )
        sides: dict[str, tuple[Executor, Task]] = {
            "encode": (threads, encode),
            "processes": (processes, encode),
            "control": (threads, spin_long),
        }
        # Start both processes before anything is timed.
        list(processes.map(encode, range(4 * THREADS)))
        rates: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        tasks = range(max(len(photos), MIN_TASKS))
        for _ in range(ROUNDS):
            for name, (several, task) in sides.items():
                rates[name].append((time_tasks(one, task, tasks), time_tasks(several, task, tasks)))
    found: dict[str, Any] = {"threads": THREADS}
    for name, pairs in rates.items():
        alone, together = (statistics.median(own) for own in zip(*pairs, strict=True))
        found[name] = {"one_per_s": alone, "several_per_s": together, "gain": together / alone}
    return found


def time_tasks(executor: Executor, task: Task, numbers: Iterable[int]) -> float:
    """Return tasks per second of wall-clock time."""
    started = time.perf_counter()
    count = len(list(executor.map(task, numbers)))
    return count / (time.perf_counter() - started)


def prepare(photos: Sequence[Picture], settings: codec.EncodeSettings) -> None:
    """Compile the kernels and set this process's task, so that it can `encode`."""
    codec.warm_up()
    saliency = central_map()

    def run(number: int) -> None:
        codec.encode(photos[number % len(photos)], saliency, settings)

    _encode[:] = [run]


def encode(number: int) -> None:
    """Encode one of the photos."""
    _encode[0](number)


def spin_long(_number: int) -> None:
    """Run the bare kernel for about as long as one encode."""
    spin(np.zeros(1), SPINS)


@numba.njit(nogil=True)
def spin(numbers: Any, count: int) -> float:
    """Keep a core busy with arithmetic that needs no memory."""
    total = float(numbers[0])
    for i in range(count):
        total = total * 0.999 + i
    return total
