"""Photos and bytes per second in a closed loop, and the CPU time of each part, over numbers of processes."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import psutil

from bench.environment import count_cores
from bench.load.closed_loop import SERVICE_DEFAULTS
from bench.load.load_processes import LoadProcesses
from bench.load.service_process import ServiceError
from bench.load.statistics import summarize
from bench.scale.cluster import Cluster, started_cluster

TARGET: Final = f"/compress?{SERVICE_DEFAULTS}"
# A worker holds two photos or more, and more wait in the queue.
CLIENTS_PER_WORKER: Final = 4
LEAST_CLIENTS: Final = 16
# Photos of polling workers take so long that nearly all of Valkey's time is spent on their polls.
POLLING_SERVICE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Spans:
    """Seconds before and of each measurement."""

    warm_up_s: float
    seconds: float


def measure_grid(
    photos: Sequence[bytes],
    services_s: Sequence[float],
    workers: Sequence[int],
    front_ends: Sequence[int],
    spans: Spans,
) -> list[dict[str, Any]]:
    """Return the figures of each service time, number of workers and number of front ends.

    Raises:
        ServiceError: the processes do not get ready, or a photo gets no JPEG.
    """
    cells = []
    for service_s in services_s:
        with started_cluster(max(front_ends), service_s) as cluster:
            for count in sorted(workers):
                cluster.add_workers(count)
                for used in front_ends:
                    clients = max(LEAST_CLIENTS, CLIENTS_PER_WORKER * count)
                    figures = measure_cell(cluster, photos, used, clients, spans)
                    cells.append(
                        {
                            "service_s": service_s,
                            "workers": count,
                            "front_ends": used,
                            "clients": clients,
                            **figures,
                        }
                    )
                    print_cell(cells[-1])
    return cells


def measure_sizes(
    photos_by_size: dict[str, Sequence[bytes]], workers: int, front_ends: int, spans: Spans
) -> dict[str, dict[str, Any]]:
    """Return the figures of photos of each size, with workers that take no time.

    Raises:
        ServiceError: the processes do not get ready, or a photo gets no JPEG.
    """
    measured = {}
    with started_cluster(front_ends, 0.0) as cluster:
        cluster.add_workers(workers)
        for size, photos in photos_by_size.items():
            measured[size] = measure_cell(cluster, photos, front_ends, LEAST_CLIENTS, spans)
            print(f"{size:>12} ", end="")
            print_cell(
                {
                    "service_s": 0.0,
                    "workers": workers,
                    "front_ends": front_ends,
                    **measured[size],
                }
            )
    return measured


def measure_polling(photos: Sequence[bytes], workers: int, spans: Spans) -> dict[str, Any]:
    """Return the figures of workers with one long photo each, which look for a second one.

    Raises:
        ServiceError: the processes do not get ready, or a photo gets no JPEG.
    """
    with started_cluster(1, POLLING_SERVICE_S) as cluster:
        cluster.add_workers(workers)
        figures = measure_cell(cluster, photos, 1, workers, spans)
    return {"service_s": POLLING_SERVICE_S, "workers": workers, "front_ends": 1, **figures}


def measure_cell(
    cluster: Cluster, photos: Sequence[bytes], front_ends: int, clients: int, spans: Spans
) -> dict[str, Any]:
    """Return the figures of a closed loop of ``clients``, spread evenly over front ends.

    ``cores`` is the CPU time of each role per second; "others" is that of all other processes.

    Raises:
        ServiceError: a photo gets no JPEG.
    """
    with ExitStack() as running:
        loads = [
            running.enter_context(LoadProcesses(url, TARGET, photos, clients // front_ends))
            for url in cluster.urls[:front_ends]
        ]
        time.sleep(spans.warm_up_s)
        before_s, machine_before_s = cluster.cpu_s(front_ends), read_busy_s()
        opened_s = time.monotonic()
        time.sleep(spans.seconds)
        closed_s = time.monotonic()
        after_s, machine_after_s = cluster.cpu_s(front_ends), read_busy_s()
        ended = [load.stop() for load in loads]
    seconds = closed_s - opened_s
    samples = [one for load in ended for one in load.samples]
    within = [one for one in samples if opened_s <= one.ended_s < closed_s]
    figures = summarize(within, seconds)
    if figures["errors"] or not figures["images"]:
        raise ServiceError(f"errors under load: {figures['errors'] or 'no photo ended'}")
    # Counted from the start of the load, over all of its photos.
    load_ms = 1e3 * sum(load.cpu_s for load in ended) / len(samples)
    spent_s = {role: after - before_s[role] for role, after in after_s.items()}
    cpu_ms = {role: 1e3 * spent / figures["images"] for role, spent in spent_s.items()}
    cpu_ms["load"] = load_ms
    cores = {role: each * figures["images_per_s"] / 1e3 for role, each in cpu_ms.items()}
    machine = (machine_after_s - machine_before_s) / seconds
    return {
        "images": figures["images"],
        "images_per_s": figures["images_per_s"],
        "sent_bytes_per_s": figures["images_per_s"] * figures["mean_sent_bytes"],
        "received_bytes_per_s": figures["images_per_s"] * figures["mean_received_bytes"],
        "mean_sent_bytes": figures["mean_sent_bytes"],
        "p50_ms": figures["p50_ms"],
        "cpu_ms_per_image": cpu_ms,
        "cores": {**cores, "others": max(0.0, machine - sum(cores.values()))},
    }


def read_busy_s() -> float:
    """Return the time that all cores of the machine have been busy since its start, in seconds."""
    times = psutil.cpu_times()
    # Times of guests, after the first eight, are part of `user` and `nice` already.
    return float(sum(times[:8]) - times.idle - getattr(times, "iowait", 0.0))


def divide_costs(sizes: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return CPU milliseconds of a photo and of a megabyte of its upload, by role.

    They are those of the line through the smallest and the largest photo.
    """
    least, most = (
        pick(sizes.values(), key=lambda one: one["mean_sent_bytes"]) for pick in (min, max)
    )
    span_mb = (most["mean_sent_bytes"] - least["mean_sent_bytes"]) / 1e6
    costs = {}
    for role, least_ms in least["cpu_ms_per_image"].items():
        per_mb = (most["cpu_ms_per_image"][role] - least_ms) / span_mb
        costs[role] = {
            "ms_per_photo": least_ms - per_mb * least["mean_sent_bytes"] / 1e6,
            "ms_per_mb": per_mb,
        }
    return costs


def find_limits(sizes: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return what one core carries of each part, by size and role: photos and bytes of uploads per second."""
    return {
        size: {
            role: {
                "images_per_s": 1e3 / cpu_ms,
                "sent_bytes_per_s": 1e3 / cpu_ms * figures["mean_sent_bytes"],
            }
            for role, cpu_ms in figures["cpu_ms_per_image"].items()
        }
        for size, figures in sizes.items()
    }


def find_linearity(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each cell its rate as a share of that of the fewest workers times their number.

    ``busy_share`` is the share of the machine's cores that was busy, with all other processes.
    """
    found = []
    for cell in cells:
        alike = [
            one
            for one in cells
            if (one["service_s"], one["front_ends"]) == (cell["service_s"], cell["front_ends"])
        ]
        least = min(alike, key=lambda one: one["workers"])
        ideal_per_s = least["images_per_s"] * cell["workers"] / least["workers"]
        found.append(
            {
                **{name: cell[name] for name in ("service_s", "workers", "front_ends")},
                "share_of_linear": cell["images_per_s"] / ideal_per_s,
                "busy_share": sum(cell["cores"].values()) / count_cores(),
            }
        )
    return found


def print_cell(cell: dict[str, Any]) -> None:
    """Print one line."""
    cpu_ms = ", ".join(f"{role} {spent:.2f}" for role, spent in cell["cpu_ms_per_image"].items())
    print(
        f"{cell['service_s']:g} s, {cell['workers']} workers, {cell['front_ends']} front ends:"
        f" {cell['images_per_s']:.1f} photos/s, {cell['sent_bytes_per_s'] / 1e6:.1f} MB/s in;"
        f" CPU ms: {cpu_ms}; others {cell['cores']['others']:.2f} cores",
        flush=True,
    )
