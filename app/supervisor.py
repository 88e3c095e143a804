"""``python -m app run``: Redis, front end and workers as children of one process.

A child that dies is started again; a dead worker's jobs go back to the queue first. SIGTERM and
Ctrl-C drain: first the front end finishes its requests, then the workers, then Redis goes.
"""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError

from app import embedded
from app.recovery import recover
from app.settings import AppSettings

POLL_S = 0.05
READY_TIMEOUT_S = 180.0
# Longer than one request may take, so that whoever is being served is served.
DRAIN_TIMEOUT_S = 75.0
# A child that dies this often this soon after its start will not live the next time either.
MAX_EARLY_DEATHS = 3
EARLY_S = 30.0
PR_SET_PDEATHSIG = 1
ROOT = Path(__file__).resolve().parent.parent


class StartError(Exception):
    """The service can't start; the message is one line for the person who started it."""


@dataclass
class Child:
    """One process that is kept running."""

    role: str
    command: list[str]
    environment: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started_s: float = 0.0
    early_deaths: int = 0
    worker_name: str = field(default="", kw_only=True)

    def start(self) -> None:
        """Start the process; it is told to end when this one does, however this one ends."""
        command = list(self.command)
        if self.role == "worker":
            # A new name for each life: the last one's executions must stay attributable.
            self.worker_name = f"worker-{secrets.token_hex(6)}"
            command += ["--name", self.worker_name]
        self.started_s = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            command,
            env=self.environment,
            cwd=ROOT,
            pass_fds=self.pass_fds,
            # Ctrl-C goes to the whole foreground group; the order of the drain is ours to keep.
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def exited(self) -> bool:
        """Return whether the process is gone."""
        return self.process is not None and self.process.poll() is not None

    def terminate(self) -> None:
        """Ask the process to end; once only, for RQ takes a second SIGTERM as an order to drop all."""
        if self.process is not None and not self.exited():
            self.process.terminate()

    def wait(self, timeout_s: float) -> None:
        """Return when the process has ended; make it end after ``timeout_s``."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def die_with_parent() -> None:
    """Have the kernel end this process when its parent is gone (runs before exec)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Starts, watches and stops the children."""

    def __init__(self, host: str, port: int, workers: int) -> None:
        self._host = host
        self._port = port
        self._workers = workers
        self._children: list[Child] = []
        self._stopping = False

    def run(self) -> int:
        """Run the service until it is told to stop; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        with ExitStack() as stack:
            stack.callback(self._stop_all)
            try:
                listener = stack.enter_context(self._listen())
                redis_url = self._start_redis(stack)
                self._start_processes(listener, redis_url)
                self._wait_until_ready(listener, redis_url)
                if not self._stopping:
                    self._announce(listener)
                self._watch(redis_url)
            except (StartError, embedded.EmbeddedError) as error:
                if not self._stopping:
                    print(f"foveate: {error}", file=sys.stderr, flush=True)
                    return 1
            if self._stopping:
                print("foveate: draining", file=sys.stderr, flush=True)
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _listen(self) -> socket.socket:
        """Take the port before anything else starts, and keep it while front ends come and go."""
        try:
            family, *_, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.socket(family, socket.SOCK_STREAM)
        except (OSError, OverflowError) as error:
            raise StartError(f"can't listen on {self._host}: {error}") from error
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            listener.close()
            raise StartError(
                f"can't listen on {self._host}:{self._port}: {error.strerror}. "
                "Choose another with PORT="
            ) from error
        return listener

    def _start_redis(self, stack: ExitStack) -> str:
        """Return the URL of a Redis that answers: the environment's, or a child of ours."""
        given = os.environ.get("REDIS_URL")
        if given:
            embedded.wait_until_up(given, give_up=lambda: self._stopping)
            return given
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="foveate-")))
        # Callbacks run in reverse: Redis must be gone before its folder is.
        stack.callback(self._stop_all)
        child = Child("redis", embedded.command(embedded.find_server(), folder), dict(os.environ))
        self._children.append(child)
        child.start()
        redis_url = embedded.url(folder)
        embedded.wait_until_up(redis_url, give_up=lambda: self._stopping or child.exited())
        return redis_url

    def _start_processes(self, listener: socket.socket, redis_url: str) -> None:
        environment = {**os.environ, "REDIS_URL": redis_url}
        serve = [sys.executable, "-m", "app", "serve", "--fd", str(listener.fileno())]
        self._children.append(Child("front end", serve, environment, pass_fds=(listener.fileno(),)))
        self._children += [
            Child("worker", [sys.executable, "-m", "worker"], environment)
            for _ in range(self._workers)
        ]
        for child in self._children:
            if child.process is None:
                child.start()

    def _wait_until_ready(self, listener: socket.socket, redis_url: str) -> None:
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        ready_url = f"{url_of(listener)}/readyz"
        while not self._stopping:
            self._revive(redis_url)
            try:
                with urllib.request.urlopen(ready_url, timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                pass
            if time.monotonic() > deadline_s:
                raise StartError(f"not ready within {READY_TIMEOUT_S:.0f} s")
            time.sleep(POLL_S)

    def _announce(self, listener: socket.socket) -> None:
        address = url_of(listener)
        print(
            f"foveate: ready at {address} (API: {address}/docs)\n"
            f"foveate: try  curl --data-binary @photo.jpg "
            f"'{address}/compress?quality=50&target=size' -o smaller.jpg",
            flush=True,
        )

    def _watch(self, redis_url: str) -> None:
        while not self._stopping:
            self._revive(redis_url)
            time.sleep(POLL_S)

    def _revive(self, redis_url: str) -> None:
        """Start again whatever has died; a worker's jobs first go back to the queue."""
        for child in self._children:
            if not child.exited() or self._stopping:
                continue
            assert child.process is not None
            early = time.monotonic() - child.started_s < EARLY_S
            child.early_deaths = child.early_deaths + 1 if early else 1
            code = child.process.returncode
            if child.early_deaths >= MAX_EARLY_DEATHS:
                raise StartError(f"the {child.role} ends right after its start (exit code {code})")
            print(
                f"foveate: the {child.role} ended (exit code {code}); starting it again",
                file=sys.stderr,
                flush=True,
            )
            lost_name = child.worker_name
            child.start()
            if child.role == "redis":
                self._restart_workers()
            elif lost_name:
                self._recover(redis_url, lost_name)

    def _restart_workers(self) -> None:
        """Give a new, empty Redis workers that are registered in it: RQ's register only once."""
        self._stop_role("worker")
        for child in self._children:
            if child.role == "worker":
                child.start()

    def _recover(self, redis_url: str, worker_name: str) -> None:
        """Requeue a dead worker's jobs while its successor starts up."""
        try:
            with Redis.from_url(redis_url, socket_timeout=5) as connection:
                count = recover(connection, worker_name, failure_ttl_s=AppSettings().result_ttl_s)
        except RedisError as error:
            print(f"foveate: could not requeue: {error}", file=sys.stderr, flush=True)
        else:
            print(f"foveate: {count} jobs back in the queue", file=sys.stderr, flush=True)

    def _stop_all(self) -> None:
        """Stop front end, workers and Redis, in this order."""
        for role in ("front end", "worker", "redis"):
            self._stop_role(role)

    def _stop_role(self, role: str) -> None:
        chosen = [child for child in self._children if child.role == role]
        for child in chosen:
            child.terminate()
        for child in chosen:
            child.wait(DRAIN_TIMEOUT_S)


def url_of(listener: socket.socket) -> str:
    """Return the URL under which a listening socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
