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
    """uvicorn's server; it leaves a file when it serves, for a supervisor that awaits several."""

    def __init__(self, config: uvicorn.Config, up: Path | None) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started and self._up:
            self._up.touch()


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
    # No line names threads or processes, so no record need ask for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # What is there now stays: the collector need not look through it again and again.
    gc.freeze()
    # uvicorn's own fd option takes every socket for a unix one.
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    Server(config, up_file(shared, number) if shared else None).run(sockets=sockets)


def count_together(shared: Path, number: int) -> None:
    """Have every metric that is made from now on live in a file that the others read."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
    # By number, not by process: its successor goes on counting where a killed one stopped, and
    # however often one dies there are no more files.
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
