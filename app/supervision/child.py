"""A child process that the supervisor restarts when it exits."""

import ctypes
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
# A process that ran at least this long is restarted at once; one that ran shorter waits longer each time.
STEADY_S = 30.0
MAX_BACKOFF_S = 8.0


@dataclass
class Child:
    """One of the supervisor's processes, across restarts."""

    role: str
    command: list[str]
    environment: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    number: int = 0
    """Among those of its role, where that matters."""
    worker_name: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    early_deaths: int = 0
    restart_at_s: float | None = None
    _started_s: float = 0.0

    def start(self) -> None:
        """Start the process; the kernel ends it when this one ends, however that happens."""
        command = list(self.command)
        if self.role == "worker":
            # A new name for each start, so that the jobs of the last process stay attributable to it.
            self.worker_name = f"worker-{secrets.token_hex(6)}"
            command += ["--name", self.worker_name]
        self._started_s = time.monotonic()
        self.restart_at_s = None
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

    def on_exit(self) -> float:
        """Record an exit and when to start again; return the seconds until then.

        The first early death costs no time, later ones twice as much each.
        """
        now_s = time.monotonic()
        if now_s - self._started_s >= STEADY_S:
            self.early_deaths = 0
        self.early_deaths += 1
        delay_s = (
            0.0 if self.early_deaths < 2 else min(2.0 ** (self.early_deaths - 2), MAX_BACKOFF_S)
        )
        self.restart_at_s = now_s + delay_s
        return delay_s

    def terminate(self) -> None:
        """Ask the process to end; once only, for RQ takes a second SIGTERM as an order to drop all."""
        if self.process is not None and not self.exited():
            self.process.terminate()

    def kill(self) -> None:
        """End the process whatever it is at; a stopped one as well."""
        if self.process is not None and not self.exited():
            self.process.kill()

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
