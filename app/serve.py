"""``python -m app serve``: one front end, alone or as one of several on a port."""

import gc
import logging
import os
import socket
from pathlib import Path

import uvicorn
from prometheus_client import values

from app.http.protocol import limit_protocol
from app.main import create_app
from app.root_path import ForwardedHeadersMiddleware
from app.settings import AppSettings
from app.supervision.front_ends import up_file
from app.telemetry.logs import log_config


class Server(uvicorn.Server):
    """uvicorn's server, which also reports that it listens: with a file, or by printing ``url``.

    A supervisor waits for the file ``up`` of each front end. ``url`` is then None, since the
    supervisor prints its own messages.
    """

    def __init__(self, config: uvicorn.Config, up: Path | None, url: str | None) -> None:
        super().__init__(config)
        self._up = up
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and report it."""
        await super().startup(sockets)
        if self.started and self._up:
            self._up.touch()
        if self.started and self._url:
            say(f"listening on {self._url}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the open requests, then stop."""
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

    With ``shared`` this is front end ``number`` of those that use this folder. They share their
    metrics there, and each creates a file when it listens.
    """
    if shared:
        share_metrics(shared, number)
    config = uvicorn.Config(
        ForwardedHeadersMiddleware(create_app(settings), settings.forwarded_allow_ips),
        proxy_headers=False,  # ours includes uvicorn's
        host=address[0],
        port=address[1],
        access_log=False,
        log_level="warning",
        server_header=False,
        http=limit_protocol(
            settings.head_timeout_s, settings.send_timeout_s, settings.max_upload_bytes
        ),
        log_config=log_config(settings, number if shared else 0),
        timeout_graceful_shutdown=settings.drain_s,
    )
    # No log line has a thread or process, so don't collect them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # The modules loaded so far stay in memory: spare the garbage collector from scanning them.
    gc.freeze()
    # uvicorn's own option `fd` treats every socket as a Unix socket.
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    url = None if fd is not None else url_at(*address)
    Server(config, up_file(shared, number) if shared else None, url).run(sockets=sockets)


def say(line: str) -> None:
    """Print a message to standard output; standard error has the log only."""
    print(f"foveate: {line}", flush=True)


def url_at(host: str, port: int) -> str:
    """Return the URL of a host and port; IPv6 addresses are in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def share_metrics(shared: Path, number: int) -> None:
    """Store every metric that is created from now on in files that all front ends read."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
    # The variable alone names files by process id, which adds files with each restart:
    # docs/decisions/0010-front-ends-count-in-files.md.
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
