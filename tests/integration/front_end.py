"""``python -m app serve`` alone, beside a Redis and a worker that run already."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.integration.conftest import TTL_S
from tests.integration.http_requests import get
from tests.integration.running import ROOT, wait_for


@dataclass
class FrontEnd:
    """A running front end."""

    url: str
    process: "subprocess.Popen[bytes]"
    _log: IO[bytes]

    @property
    def lines(self) -> list[str]:
        """What it has written to standard error."""
        self._log.seek(0)
        return self._log.read().decode().splitlines()


@contextmanager
def run_front_end(redis_url: str, root: Path = ROOT, **settings: str) -> Iterator[FrontEnd]:
    """Run a front end on a free port, in the folder ``root``; drain it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)],
            cwd=root,
            env={**os.environ, "REDIS_URL": redis_url, "RESULT_TTL_S": str(TTL_S), **settings},
            stderr=log,
        )

        def is_up() -> bool:
            assert process.poll() is None
            try:
                return get(f"{url}/livez").status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_for(is_up, what="for the front end")
            yield FrontEnd(url, process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
