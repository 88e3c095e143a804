"""Load on several front ends and workers over one Redis, and the part that limits throughput."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil

from bench.environment import count_cores
from bench.load.gpu_utilisation import sample_gpu
from bench.load.load_processes import LoadProcesses
from bench.load.service_process import started_service
from bench.load.statistics import mean_batch, read_metrics, summarize

# Share of CPU time from which a single-threaded process, or all cores together, count as full.
FULL: Final = 0.9
GPU_FULL: Final = 90.0  # percent
FEW_CLIENTS: Final = 8


@dataclass(frozen=True, slots=True)
class RunningService:
    """A running service."""

    url: str
    processes: dict[str, list[psutil.Process]]
    """By role: "app", "worker", "redis"."""

    def cpu_s(self) -> dict[str, list[float]]:
        """Return the CPU seconds of each process so far, by role."""
        return {
            role: [sum(process.cpu_times()[:2]) for process in processes]
            for role, processes in self.processes.items()
        }


@contextmanager
def start_service(
    front_ends: int, workers: int, settings: Mapping[str, str]
) -> Iterator[RunningService]:
    """Run the service; stop it at the end.

    Raises:
        ServiceError: the service does not get ready.
    """
    with started_service(workers, settings, front_ends=front_ends) as (url, processes):
        yield RunningService(url, processes.by_role())


def measure_service(
    service: RunningService, target: str, photos: Sequence[bytes], clients: int, *, seconds: float
) -> dict[str, Any]:
    """Return throughput, latency and stages under load, each part's utilisation, and the limit."""
    with LoadProcesses(service.url, target, photos, clients) as load:
        time.sleep(min(3.0, seconds))
        with sample_gpu() as gpu_percent:
            metrics, cpu_before, started_s = (
                read_metrics(service.url),
                service.cpu_s(),
                time.monotonic(),
            )
            time.sleep(seconds)
            ended_s, cpu_after, gpu = time.monotonic(), service.cpu_s(), gpu_percent()
        after = read_metrics(service.url)
        loaded = load.stop()
    elapsed_s = ended_s - started_s
    samples = [sample for sample in loaded.samples if started_s <= sample.ended_s < ended_s]
    figures = summarize(samples, elapsed_s)
    busy = {
        role: [(b - a) / elapsed_s for a, b in zip(before, cpu_after[role], strict=True)]
        for role, before in cpu_before.items()
    }
    # Clients also send before and after the window, at the same rate.
    sent = max(len(loaded.samples), 1)
    load_busy = loaded.cpu_s / sent * len(samples) / elapsed_s
    busiest = load_busy * loaded.busiest_cpu_s / loaded.cpu_s if loaded.cpu_s else 0.0
    figures |= {
        "clients": clients,
        "front_ends": len(service.processes["app"]),
        "workers": len(service.processes["worker"]),
        "mean_batch": mean_batch(metrics, after),
        "cores_busy": {role: sum(own) for role, own in busy.items()} | {"load": load_busy},
        "busiest_process": {role: max(own, default=0.0) for role, own in busy.items()}
        | {"load": busiest},
        "gpu_percent": gpu,
    }
    figures["limit"] = name_limit(figures, count_cores())
    return figures


def name_limit(figures: Mapping[str, Any], cores: int) -> str:
    """Return the part that limits throughput."""
    busiest, gpu = figures["busiest_process"], figures["gpu_percent"] or 0.0
    ceilings = {
        "cores": sum(figures["cores_busy"].values()) >= FULL * cores,
        "load generator: the service may be faster": busiest["load"] >= FULL,
        "front end": busiest["app"] >= FULL,
        "Redis": busiest["redis"] >= FULL,
        "GPU": gpu >= GPU_FULL,
        "clients: too few to fill the service": figures["clients"] <= FEW_CLIENTS,
    }
    # If neither cores nor GPU are full, threads wait for the interpreter lock.
    return next((name for name, met in ceilings.items() if met), "the workers' interpreters")
