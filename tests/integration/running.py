"""Starts the real service as a person does, and ends everything that it started."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from redis import Redis

from contract.keys import PROBE_KEY, TOTALS_KEY, key_rate_key
from tests.integration.http_requests import get

ROOT = Path(__file__).parent.parent.parent
# Without a cache of compiled kernels, on a busy machine.
START_TIMEOUT_S = 170.0
SERVICE = "app"
SERVICE_WITHOUT_NETWORK = "tests.integration.service_without_network"
# Of workers without the network: few photos at a time, and as many on every machine.
FEW_PHOTOS = {"CODEC_THREADS": "2", "MAX_BATCH_SIZE": "2"}


class Running:
    """One ``python -m app run`` on a free port, with its temporary files in ``folder``.

    Its one worker has all cores; with ``workers=None`` the service chooses their number.

    With ``pass_s`` the workers have a stand-in for the network, which takes that many seconds for
    each photo and no CPU time (`worker_without_network`). They start sooner, and hold their photos
    for long enough to be killed with them.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        workers: int | None = 1,
        pass_s: float | None = None,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.lines: list[str] = []
        if workers:
            arguments = (*arguments, "--workers", str(workers))
        environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        if pass_s is not None:
            settings = {"PASS_S": str(pass_s), **FEW_PHOTOS, **settings}
        module = SERVICE if pass_s is None else SERVICE_WITHOUT_NETWORK
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "run", "--port", "0", *arguments],
            cwd=ROOT,
            env={**environment, "TMPDIR": str(folder), **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(iter(output.readline, ""))

    @property
    def output(self) -> str:
        """What the service has printed."""
        return "".join(self.lines)

    @property
    def url(self) -> str:
        """The address of its HTTP server; waits until the service is ready."""
        if not self._url:
            wait_for(
                lambda: "ready at" in self.output or self.process.poll() is not None,
                START_TIMEOUT_S,
                "for the service",
            )
            found = re.search(r"ready at (http://\S+)", self.output)
            assert found, self.output
            self._url = found.group(1)
        return self._url

    @property
    def redis_url(self) -> str:
        """The URL of its embedded Valkey."""
        (socket_path,) = self.folder.glob("foveate-*/redis.sock")
        return f"unix://{socket_path}?db=0"

    @property
    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        return self.children("--name worker-")

    @property
    def pids(self) -> list[int]:
        """The process ids of its front ends and workers."""
        return [process.pid for process in self.children(" -m ")]

    def children(self, part_of_command: str) -> list[psutil.Process]:
        """Return its child processes whose command contains something."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if part_of_command in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def is_ready(self) -> bool:
        """Return whether a front end responds and sees Redis and a worker."""
        return get(f"{self.url}/readyz").status_code == 200

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 60) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout_s)
        self._reader.join(5)
        return code


@contextmanager
def run_service(
    folder: Path,
    *arguments: str,
    workers: int | None = 1,
    pass_s: float | None = None,
    **settings: str,
) -> Iterator[Running]:
    """Run a service as `Running` describes; nothing of it is left running afterwards."""
    service = Running(folder, *arguments, workers=workers, pass_s=pass_s, **settings)
    children: list[psutil.Process] = []
    try:
        yield service
    finally:
        if service.process.poll() is None:
            children = psutil.Process(service.process.pid).children(recursive=True)
        service.stop()
        for process in children:
            if process.is_running():
                process.kill()


def wait_for(condition: Callable[[], object], timeout_s: float = 30, what: str = "") -> None:
    """Return when ``condition`` holds; raises AssertionError after ``timeout_s``."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s in vain {what}"
        time.sleep(0.05)


def keys_of_jobs(connection: Redis) -> set[str]:
    """Return every key except RQ's registrations and locks, the probe for a full Redis, totals and rates."""
    kept = (
        "rq:queues",
        "rq:workers",
        "rq:worker:",
        "rq:clean_registries:",
        "rq:group",
        PROBE_KEY,
        TOTALS_KEY,
        key_rate_key(""),
    )
    keys = {key.decode() for key in connection.scan_iter()}
    return {key for key in keys if not key.startswith(kept)}


def wait_until_no_jobs(connection: Redis, timeout_s: float = 30) -> None:
    """Return when nothing is left of any job; raises AssertionError with the keys after a while."""
    deadline_s = time.monotonic() + timeout_s
    while keys := keys_of_jobs(connection):
        lives_s = {key: connection.ttl(key) for key in keys}
        assert time.monotonic() < deadline_s, f"keys with their time to live: {lives_s}"
        time.sleep(0.1)


def metric(url: str, name: str) -> float:
    """Return the value of one line of /metrics."""
    return metric_in(get(f"{url}/metrics").text, name)


def metric_in(text: str, name: str) -> float:
    """Return the value of one line of Prometheus text; raises AssertionError if it is missing."""
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    raise AssertionError(f"no metric {name}")
