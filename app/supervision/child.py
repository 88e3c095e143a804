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
# A process that lived at least this long is restarted at once. After shorter lives in a row the
# delays double up to the maximum.
STABLE_AFTER_S = 30.0
MAX_RESTART_DELAY_S = 8.0


@dataclass
class Child:
    """One of the supervisor's processes, across restarts."""

    role: str
    command: list[str]
    environment: dict[str, str]
    pass_fds: tuple[int, ...] = ()
    number: int = 0
    """Number of a front end among the front ends, from 1; 0 for other roles."""
    worker_name: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    early_deaths: int = 0
    restart_at_s: float | None = None
    _started_s: float = 0.0

    def start(self) -> None:
        """Start the process. On Linux the kernel ends it when this process ends in any way."""
        command = list(self.command)
        if self.role == "worker":
            # Each start has a new name, which tells its jobs from those of the process before.
            self.worker_name = f"worker-{secrets.token_hex(6)}"
            command += ["--name", self.worker_name]
        self._started_s = time.monotonic()
        self.restart_at_s = None
        self.process = subprocess.Popen(  # noqa: S603
            command,
            env=self.environment,
            cwd=ROOT,
            pass_fds=self.pass_fds,
            # Ctrl-C signals the whole foreground process group, but the supervisor stops its
            # children in order.
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def has_exited(self) -> bool:
        """Return whether the process was started and has ended."""
        return self.process is not None and self.process.poll() is not None

    def on_exit(self) -> float:
        """Set the time of the next start; return the seconds until then.

        The delay is 0 after the first early death, 1 s after the second, and then doubles up to
        ``MAX_RESTART_DELAY_S``.
        """
        now_s = time.monotonic()
        if now_s - self._started_s >= STABLE_AFTER_S:
            self.early_deaths = 0
        self.early_deaths += 1
        delay_s = (
            0.0
            if self.early_deaths < 2
            else min(2.0 ** (self.early_deaths - 2), MAX_RESTART_DELAY_S)
        )
        self.restart_at_s = now_s + delay_s
        return delay_s

    def terminate(self) -> None:
        """Send SIGTERM. Call it once: at a second SIGTERM RQ's worker drops its open jobs."""
        if self.process is not None and not self.has_exited():
            self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL, which also ends a process that is stopped or hangs."""
        if self.process is not None and not self.has_exited():
            self.process.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait until the process has ended; kill it after ``timeout_s``."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def die_with_parent() -> None:
    """Ask the kernel to send this process SIGTERM when its parent ends; runs before exec."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
