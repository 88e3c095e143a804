"""Load on a service on a GPU machine, and the resource that limits its throughput."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psutil

from bench.environment import count_cores
from bench.load.load_processes import LoadProcesses
from bench.load.service_process import Processes, ServiceError, started_service
from bench.load.statistics import summarize
from bench.load.window import Window

# Share of its CPU time from which a single-threaded process counts as full, and share of the cores.
FULL: Final = 0.9
GPU_FULL_PERCENT: Final = 90.0
WARM_UP_S: Final = 3.0


def measure_workers(
    photos: Sequence[bytes],
    device: str,
    queries: Sequence[str],
    *,
    workers: int,
    front_ends: int,
    clients: int,
    seconds: float,
) -> dict[str, Any]:
    """Return the figures of a service by query of ``/compress``.

    Raises:
        ServiceError: the service does not get ready, or gives no JPEG.
    """
    with started_service(workers, {"DEVICE": device}, front_ends=front_ends) as service:
        return {
            query: measure_load(service, f"/compress?{query}", photos, clients, seconds=seconds)
            for query in queries
        }


def measure_load(
    service: tuple[str, Processes],
    target: str,
    photos: Sequence[bytes],
    clients: int,
    *,
    seconds: float,
) -> dict[str, Any]:
    """Return throughput, latency, stages, use of each resource, and which of them are full.

    Raises:
        ServiceError: there is no JPEG within ``seconds``.
    """
    url, processes = service
    window, by_role = Window(url, processes), processes.by_role()
    with LoadProcesses(url, target, photos, clients) as load:
        load_started_s = time.monotonic()
        time.sleep(min(WARM_UP_S, seconds))
        with window.measured():
            before_s = read_cpu_s(by_role)
            time.sleep(seconds)
            after_s = read_cpu_s(by_role)
        loaded = load.stop()
        load_s = time.monotonic() - load_started_s
    elapsed_s = window.ended_s - window.started_s
    figures = summarize(window.ended_within(loaded.samples), elapsed_s)
    if not figures["images"]:
        raise ServiceError(f"no JPEG within {seconds:.0f} s; other responses: {figures['errors']}")
    shares = {
        role: [
            (after - before) / elapsed_s
            for before, after in zip(before_s[role], after_s[role], strict=True)
        ]
        for role in by_role
    }
    figures |= window.figures(figures["images"])
    figures["cores_busy"] = {
        **{role: sum(own) for role, own in shares.items()},
        "load": loaded.cpu_s / load_s,
    }
    figures["load_cpu_ms_per_image"] = 1e3 * figures["cores_busy"]["load"] / figures["images_per_s"]
    figures["busiest_process"] = {
        **{role: max(own, default=0.0) for role, own in shares.items()},
        "load": loaded.busiest_cpu_s / load_s,
    }
    return figures | {"limits": find_limits(figures, count_cores())}


def read_cpu_s(by_role: Mapping[str, Sequence[psutil.Process]]) -> dict[str, list[float]]:
    """Return the CPU time of each process so far, in seconds by role."""
    return {
        role: [sum(process.cpu_times()[:2]) for process in processes]
        for role, processes in by_role.items()
    }


def find_limits(figures: Mapping[str, Any], cores: int) -> list[str]:
    """Return the resources that are full: those that limit throughput."""
    busy, busiest = figures["cores_busy"], figures["busiest_process"]
    left_to_workers = cores - sum(own for role, own in busy.items() if role != "worker")
    full = {
        "GPU": (figures["gpu_percent"] or 0.0) >= GPU_FULL_PERCENT,
        "worker CPU": busy["worker"] >= FULL * left_to_workers,
        "front end": busiest["app"] >= FULL,
        "Redis": busiest["redis"] >= FULL,
        "load generator": busiest["load"] >= FULL,
    }
    return [name for name, is_full in full.items() if is_full]
