"""A service for one run, where none is given."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.client.sending import UnusableServiceError
from app.supervision.child import ROOT, die_with_parent

READY_MARK: Final = "ready at "
STOP_TIMEOUT_S: Final = 30.0
# Settings for services that others use: another Redis, keys that this run doesn't know.
LEFT_OUT: Final = ("REDIS_URL", "API_KEYS")


@contextmanager
def running_service(workers: int) -> Iterator[str]:
    """Run a service of our own; yield its URL.

    It ends with this process, however that ends.

    Raises:
        UnusableServiceError: when it doesn't start; its own words are part of the message.
    """
    command = [sys.executable, "-m", "app", "run", "--port", "0", "--workers", str(workers)]
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env={"LOG_LEVEL": "WARNING", **environment},
            # Ctrl-C is for us; the service ends when we have.
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
                f"no service could be started:\n{log.read().decode(errors='replace')}"
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
