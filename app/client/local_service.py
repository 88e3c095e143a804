"""Starts a service on this machine for one run of the command."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.client.sender import UnusableServiceError
from app.supervision.child import ROOT, die_with_parent

READY_MARK: Final = "ready at "
STOP_TIMEOUT_S: Final = 30.0
# Not passed on: the service of one run has its own Redis, and needs no keys.
IGNORED_SETTINGS: Final = ("REDIS_URL", "API_KEYS")


@contextmanager
def local_service(workers: int) -> Iterator[str]:
    """Run a service; yield its URL.

    It ends when this process ends, even if that is killed.

    Raises:
        UnusableServiceError: when it doesn't start; the message contains what it has logged.
    """
    command = [sys.executable, "-m", "app", "run", "--port", "0", "--workers", str(workers)]
    environment = {
        name: value for name, value in os.environ.items() if name not in IGNORED_SETTINGS
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env={"LOG_LEVEL": "WARNING", **environment},
            # Ctrl-C must reach this process only, which then stops the service.
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if READY_MARK in line.decode():
                    yield line.decode().partition(READY_MARK)[2].split()[0]
                    return
            process.wait()
            log.seek(0)
            raise UnusableServiceError(
                f"the service could not be started:\n{log.read().decode(errors='replace')}"
            )
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
