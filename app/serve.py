"""``python -m app serve``: HTTP in this process, alone or as one of several on a port."""

import gc
import logging
import os
import socket
from pathlib import Path

import uvicorn
from prometheus_client import values

from app.http.protocol import bounded_protocol
from app.main import create_app
from app.settings import AppSettings
from app.supervision.front_ends import up_file
from app.telemetry.logs import log_config


class Server(uvicorn.Server):
    """uvicorn's server; it creates a file or prints its URL once it listens.

    The file is for a supervisor that waits for several. ``url`` is None under a supervisor, which
    prints these lines itself.
    """

    def __init__(self, config: uvicorn.Config, up: Path | None, url: str | None) -> None:
        super().__init__(config)
        self._up = up
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started and self._up:
            self._up.touch()
        if self.started and self._url:
            say(f"listening on {self._url}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests under way, then end."""
        if self._url:
            say("draining")
        await super().shutdown(sockets)
        if self._url:
            say("ended")


def serve(
    settings: AppSettings,
    address: tuple[str, int],
    *,
    fd: int | None = None,
    number: int = 1,
    shared: Path | None = None,
) -> None:
    """Serve until SIGTERM, at ``address`` or on the listening socket ``fd``.

    With ``shared`` it is the front end ``number`` of those that have this folder: they count
    together, and each leaves a file there when it is up.
    """
    if shared:
        count_together(shared, number)
    config = uvicorn.Config(
        create_app(settings),
        host=address[0],
        port=address[1],
        access_log=False,
        log_level="warning",
        server_header=False,
        http=bounded_protocol(settings.head_timeout_s, settings.send_timeout_s),
        log_config=log_config(settings, number if shared else 0),
        timeout_graceful_shutdown=int(settings.upload_timeout_s + settings.request_timeout_s) + 5,
    )
    # No log line names threads or processes, so skip collecting those fields.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # The modules loaded so far stay in memory; the garbage collector need not scan them again.
    gc.freeze()
    # uvicorn's own fd option takes every socket for a unix one.
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    url = None if fd is not None else url_at(*address)
    Server(config, up_file(shared, number) if shared else None, url).run(sockets=sockets)


def say(line: str) -> None:
    """Print a line for the person who started the process; standard error has the log alone."""
    print(f"foveate: {line}", flush=True)


def url_at(host: str, port: int) -> str:
    """Return the URL of an address; IPv6 addresses are in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def count_together(shared: Path, number: int) -> None:
    """Keep every metric that is created from now on in a file that the other front ends read."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
    # Files are named by front end number, not by process id: a restarted front end goes on
    # counting where the killed one stopped, and restarts add no files. `MultiProcessValue` takes
    # that function; prometheus_client has no other way to install its result.
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
