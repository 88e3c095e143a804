"""The service as a child process, with CPU time and memory of its processes."""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Final

import psutil

from bench.environment import ROOT, read_status_bytes
from bench.load.statistics import read_metrics

START_TIMEOUT_S: Final = 240.0
STOP_TIMEOUT_S: Final = 90.0
READY_MARK: Final = "ready at "
AFTER_READY_S: Final = 0.5
WORKERS_METRIC: Final = "foveate_workers"
ROLES: Final = ("app", "worker", "redis")
AGAINST_HELP: Final = (
    "folder of another version to measure in the same rounds, with its own .venv if it has one"
)


class ServiceError(Exception):
    """The service did not start; the message contains the end of its log."""


class Processes:
    """The children of one supervisor, by role."""

    def __init__(self, supervisor_pid: int) -> None:
        self._supervisor = psutil.Process(supervisor_pid)

    def by_role(self) -> dict[str, list[psutil.Process]]:
        """Return the running children: "app" serves HTTP, "worker" encodes, "redis" queues."""
        found: dict[str, list[psutil.Process]] = {role: [] for role in ROLES}
        for process in self._supervisor.children(recursive=True):
            try:
                found[find_role(process.cmdline())].append(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        return found

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU time of each role so far, in seconds."""
        return {
            role: sum(sum(process.cpu_times()[:2]) for process in processes)
            for role, processes in self.by_role().items()
        }

    def peak_rss_bytes(self) -> dict[str, int]:
        """Return the largest peak resident set among the processes of each role."""
        return {
            role: max((peak_rss_bytes(process) for process in processes), default=0)
            for role, processes in self.by_role().items()
        }


def find_role(command: list[str]) -> str:
    """Return the role of the process with this command line."""
    module = command[command.index("-m") + 1] if "-m" in command[:-1] else ""
    return module if module in {"app", "worker"} else "redis"


def peak_rss_bytes(process: psutil.Process) -> int:
    """Return the peak resident set (VmHWM); outside Linux the present one."""
    peak_bytes = read_status_bytes("VmHWM", process.pid)
    return int(process.memory_info().rss) if peak_bytes is None else peak_bytes


@contextmanager
def started_service(
    workers: int | None = None,
    settings: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    *,
    front_ends: int = 1,
) -> Iterator[tuple[str, Processes]]:
    """Run the service on a free port; yield its URL and processes; stop it at the end.

    Args:
        workers: number of workers; None lets the service choose.
        settings: variables that are added to the environment.
        folder: the checkout to run.
        front_ends: number of front ends.

    Raises:
        ServiceError: the service does not get ready.
    """
    command = [find_python(folder), "-m", "app", "run", "--port", "0"]
    if workers:
        command += ["--workers", str(workers)]
    if front_ends > 1:  # a checkout of version 0.1 may lack the option
        command += ["--front-ends", str(front_ends)]
    with tempfile.TemporaryFile() as log:
        environment = {**os.environ, **(settings or {})}
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert process.stdout is not None
            url = read_url(process.stdout)
            if url is None:
                log.seek(0)
                tail = log.read()[-2000:].decode("utf-8", "replace")
                raise ServiceError(f"the service did not get ready:\n{tail}")
            processes = Processes(process.pid)
            await_workers(url, processes, workers)
            yield url, processes
        finally:
            stop_child(process, STOP_TIMEOUT_S)
            if process.stdout is not None:
                process.stdout.close()


def stop_child(process: subprocess.Popen[Any], timeout_s: float) -> None:
    """Terminate a child and wait for its end; kill it after `timeout_s`."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_workers(url: str, processes: Processes, count: int | None) -> None:
    """Return once ``count`` workers are ready; None stands for all that were started.

    Raises:
        ServiceError: they take longer than `START_TIMEOUT_S`.
    """
    time.sleep(AFTER_READY_S)  # the supervisor starts its workers in this time
    wanted = count or len(processes.by_role()["worker"])
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while read_metrics(url).get(WORKERS_METRIC, math.inf) < wanted:
        if time.monotonic() > deadline_s:
            raise ServiceError("some workers did not get ready")
        time.sleep(0.2)


def find_python(folder: Path) -> str:
    """Return the interpreter of a checkout's .venv; without one the interpreter of this process."""
    own = folder / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def parse_checkout(text: str) -> Path:
    """Return the folder of a checkout that an option names.

    Raises:
        argparse.ArgumentTypeError: the folder is not a checkout of this project.
    """
    folder = Path(text).resolve()
    if not (folder / "app" / "__main__.py").is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a checkout of this project")
    return folder


def read_url(output: IO[bytes]) -> str | None:
    """Return the URL that the supervisor prints; None if it ends first or takes too long."""
    lines: Queue[bytes] = Queue()
    Thread(target=forward, args=(output, lines), daemon=True).start()
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline_s - time.monotonic())).decode()
        except Empty:
            return None
        if not line:
            return None
        if READY_MARK in line:
            return line.partition(READY_MARK)[2].split()[0]


def forward(output: IO[bytes], lines: "Queue[bytes]") -> None:
    """Put each line into a queue, and an empty one at the end. So the writer never blocks."""
    for line in output:
        lines.put(line)
    lines.put(b"")


class Steal:
    """Measures steal: CPU time that the host of a virtual machine gives to others."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._before_s = read_stolen_s()

    def share(self) -> float:
        """Return the share of all cores' time that was stolen; 0 if the system does not report it."""
        core_s = (psutil.cpu_count() or 1) * (time.monotonic() - self._started_s)
        return (read_stolen_s() - self._before_s) / core_s


def read_stolen_s() -> float:
    """Return the stolen CPU time since boot, in seconds."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))
