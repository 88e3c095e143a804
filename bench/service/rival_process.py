"""A rival server as a child process, with the CPU time of its processes by role."""

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from bench.environment import ROOT
from bench.load.closed_loop import Connection, HttpError
from bench.load.service_process import ServiceError
from bench.service.servers.compressor import OPTIONS_VARIABLE, WORKERS_VARIABLE
from bench.service.servers.journal import JOURNAL_VARIABLE, read_batches, summarize_batches

START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 6.0  # LitServe does not end by itself


class Rival:
    """A server of ``bench.service.servers`` and its child processes."""

    def __init__(self, process: psutil.Process, journal: Path) -> None:
        self._process = process
        self._journal = journal

    def pause(self) -> None:
        """Suspend its processes: some rivals poll while they are idle."""
        for process in self._family():
            process.suspend()

    def resume(self) -> None:
        """Continue its processes."""
        for process in self._family():
            process.resume()

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU time so far in seconds: "all" and, after the first batch, each role's.

        "worker" runs the encoder; "app" is the rest: HTTP and the queue. In a server of a single
        process, "app" is the main thread, which runs the event loop. "redis" is 0.
        """
        spent_s = {process.pid: cpu_time_s(process) for process in self._family()}
        all_s = sum(spent_s.values())
        computing = {batch.pid for batch in read_batches(self._journal)}
        worker_s = sum(spent_s.get(pid, 0.0) for pid in computing)
        if self._process.pid in computing:
            main = [own for own in self._process.threads() if own.id == self._process.pid]
            if not main:  # outside Linux no thread has the id of its process
                return {"all": all_s}
            worker_s -= main[0].user_time + main[0].system_time
        elif not computing:
            return {"all": all_s}
        return {"app": all_s - worker_s, "worker": worker_s, "redis": 0.0, "all": all_s}

    def describe(self, started_s: float, ended_s: float) -> dict[str, Any]:
        """Return mean batch and stage times of the batches that ended between two monotonic times."""
        batches = read_batches(self._journal)
        return summarize_batches([one for one in batches if started_s <= one.ended_s < ended_s])


def cpu_time_s(process: psutil.Process) -> float:
    """Return the CPU time of a process so far; 0 if it has ended."""
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0


@contextmanager
def started_rival(name: str, options: str, workers: int = 1) -> Iterator[tuple[str, Rival]]:
    """Run a rival with ``workers`` processes that run the encoder; yield its URL and processes.

    Raises:
        ServiceError: the rival does not get ready. Errors raised by the caller's block get the
            rival's name and log.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", f"bench.service.servers.{name}"]
    if name == "mosec":
        command += ["--timeout", "120000"]  # ms; the default is three seconds
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        journal = Path(folder, "batches")
        process = psutil.Popen(
            [*command, "--address", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env={
                **os.environ,
                OPTIONS_VARIABLE: options,
                WORKERS_VARIABLE: str(workers),
                JOURNAL_VARIABLE: str(journal),
            },
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_up(process, url)
            yield url, Rival(process, journal)
        except ServiceError as error:
            log.seek(0)
            raise ServiceError(f"{name}: {error}\n{log.read()[-2000:].decode()}") from error
        finally:
            stop(process)


def wait_until_up(process: psutil.Popen, url: str) -> None:
    """Return once the server responds to an upload: then its workers have loaded the model.

    Raises:
        ServiceError: it ends, or takes longer than `START_TIMEOUT_S`.
    """
    probe = b"\xff\xd8\xff\xd9"  # an empty JPEG: any response counts
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        connection = Connection(url)
        try:
            connection.request("GET", "/", probe)
            return
        except (HttpError, OSError):
            time.sleep(0.2)
        finally:
            connection.close()
    raise ServiceError("did not get ready")


def stop(process: psutil.Popen) -> None:
    """End a server and its child processes."""
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):  # it may have ended
        family = process.children(recursive=True)
        process.terminate()
    for each in (process, *family):  # a suspended process does not react
        with suppress(psutil.NoSuchProcess):
            each.resume()
    _, alive = psutil.wait_procs([process, *family], timeout=STOP_TIMEOUT_S)
    for each in alive:
        each.kill()
