"""The closed-loop load from several processes: a single one sends only a few hundred photos/s."""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from types import TracebackType
from typing import Final, Self

from bench.load.closed_loop import Load, Sample

MOST_PROCESSES: Final = 4
STOP_TIMEOUT_S: Final = 150.0  # a client may be waiting for its response


@dataclass(frozen=True, slots=True)
class Loaded:
    """Samples of all clients, and the CPU time of sending them."""

    samples: list[Sample]
    busiest_cpu_s: float
    """CPU time of the busiest sending process since its start."""
    cpu_s: float
    """CPU time of all sending processes."""


class LoadProcesses:
    """Clients that send ``photos`` to ``url`` + ``target`` from entering the context until `stop`."""

    def __init__(self, url: str, target: str, photos: Sequence[bytes], clients: int) -> None:
        # Spawn: this process has threads and perhaps a CUDA context, which must not be forked.
        context = multiprocessing.get_context("spawn")
        self._ends: list[tuple[multiprocessing.process.BaseProcess, Pipe]] = []
        processes = min(MOST_PROCESSES, clients)
        for number in range(processes):
            own = len(range(number, clients, processes))  # clients of this process
            here, there = context.Pipe()
            load = {"url": url, "target": target, "photos": list(photos)}
            process = context.Process(
                target=_run,
                args=(there,),
                kwargs={**load, "clients": own, "seed": number},
                daemon=True,
            )
            self._ends.append((process, here))

    def __enter__(self) -> Self:
        for process, _ in self._ends:
            process.start()
        for _, pipe in self._ends:
            pipe.recv()  # its clients have started
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
        """Let every client finish its request in flight; return all samples."""
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


def _run(
    pipe: Pipe, *, url: str, target: str, photos: list[bytes], clients: int, seed: int
) -> None:
    load = Load(url, target, photos, clients, seed=seed)
    load.start()
    started_s = time.process_time()
    pipe.send(None)
    pipe.recv()
    cost_s = time.process_time() - started_s
    load.stop()
    pipe.send((load.samples, cost_s))
