"""The load of `bench.load` from several processes: one alone sends some hundred photos a second."""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Final, Self

from bench.load import Load, Sample

MOST_PROCESSES: Final = 4
STOP_TIMEOUT_S: Final = 150.0  # a client may be waiting for its answer


@dataclass(frozen=True, slots=True)
class Loaded:
    """What clients saw, and what sending cost."""

    samples: list[Sample]
    busiest_cpu_s: float
    """Of the process that was busiest, since its start."""
    cpu_s: float
    """Of all."""


class LoadProcesses:
    """Clients that send ``photos`` to the servers in turn, from entering to `stop`."""

    def __init__(
        self, urls: Sequence[str], target: str, photos: Sequence[bytes], clients: int
    ) -> None:
        # Spawned: this process has threads, and perhaps a CUDA context.
        context = multiprocessing.get_context("spawn")
        self._ends: list[tuple[multiprocessing.process.BaseProcess, Pipe]] = []
        processes = min(MOST_PROCESSES, clients)
        for number in range(processes):
            # As many clients in each, and as many of them at each server.
            own = [urls[client % len(urls)] for client in range(number, clients, processes)]
            here, there = context.Pipe()
            process = context.Process(
                target=_run, args=(own, target, list(photos), number, there), daemon=True
            )
            self._ends.append((process, here))

    def __enter__(self) -> Self:
        for process, _ in self._ends:
            process.start()
        for _, pipe in self._ends:
            pipe.recv()  # its clients are under way
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process, _ in self._ends:
            process.terminate()
            process.join(10)

    def stop(self) -> Loaded:
        """Let every client finish the request it is at; return what they saw."""
        for _, pipe in self._ends:
            pipe.send(None)
        samples: list[Sample] = []
        costs_s = []
        for _, pipe in self._ends:
            if pipe.poll(STOP_TIMEOUT_S):
                found, cost_s = pipe.recv()
                samples += found
                costs_s.append(cost_s)
        return Loaded(samples, max(costs_s, default=0.0), sum(costs_s))


def _run(urls: list[str], target: str, photos: list[bytes], seed: int, pipe: Pipe) -> None:
    loads = [
        Load(url, target, photos, 1, seed=1000 * seed + number) for number, url in enumerate(urls)
    ]
    for load in loads:
        load.start()
    started_s = time.process_time()
    pipe.send(None)
    pipe.recv()
    cost_s = time.process_time() - started_s
    for load in loads:
        load.stop()
    pipe.send(([sample for load in loads for sample in load.samples], cost_s))
