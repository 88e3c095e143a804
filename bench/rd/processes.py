"""Processes that measure photos in parallel, each on one thread.

With one thread each, processes share the cores, and floating-point sums do not depend on them.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

import codec

MapFunction = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def start_process() -> None:
    """Limit torch to one thread in this process, and compile the encoder's kernels."""
    torch.set_num_threads(1)
    codec.warm_up()


@contextmanager
def open_pool(jobs: int) -> Iterator[MapFunction]:
    """Yield a `map` over `jobs` processes; one job runs in this process."""
    if jobs == 1:
        threads = torch.get_num_threads()
        start_process()
        try:
            yield map
        finally:
            torch.set_num_threads(threads)
        return
    # Spawn: a forked process would inherit threads of torch and numba in an unknown state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, start_process) as pool:
        yield pool.map
