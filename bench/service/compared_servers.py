"""The servers that `comparison` measures: Foveate, another version of it, and rivals."""

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.environment import ROOT
from bench.load.closed_loop import Connection
from bench.load.service_process import ServiceError, started_service
from bench.service.rival_process import START_TIMEOUT_S, started_rival

RIVALS: Final = {"mosec": "mosec", "litserve": "litserve", "inprocess": "fastapi"}
"""The package that each rival needs, by the rival's name."""
# Rivals that can run the encoder in several processes.
SCALING: Final = frozenset({"mosec", "litserve"})
BEFORE: Final = "before"
# Foveate with a single worker that has all threads.
ONE_WORKER: Final = "foveate, 1 worker"


def do_nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    A rival is paused while others are measured. Foveate is not paused: it is idle without requests, and
    its supervisor would kill stopped workers.
    """

    url: str
    cpu_s: Callable[[], dict[str, float]]
    """CPU time so far in seconds by role; empty if it is unknown."""
    describe: Callable[[float, float], dict[str, Any]] | None = None
    """Mean batch and stage times between two monotonic times; None: the server's metrics have them."""
    pause: Callable[[], None] = do_nothing
    resume: Callable[[], None] = do_nothing
    workers: int | None = None


def find_installed(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the rivals whose package is installed, and the others."""
    found = [name for name in names if importlib.util.find_spec(RIVALS[name])]
    return found, [name for name in names if name not in found]


@contextmanager
def started_foveate(
    *, folder: Path = ROOT, url: str | None = None, workers: int | None = None
) -> Iterator[Server]:
    """Run the service of a checkout, or use the one that already runs at ``url``."""
    if url:
        yield Server(url, dict)
        return
    with started_service(workers, folder=folder) as (own_url, processes):
        yield Server(own_url, processes.cpu_s, workers=len(processes.by_role()["worker"]))


@contextmanager
def started_server(name: str, options: str, workers: int = 1) -> Iterator[Server]:
    """Run one of the rivals."""
    with started_rival(name, options, workers) as (url, rival):
        yield Server(url, rival.cpu_s, rival.describe, rival.pause, rival.resume)


def fetch_jpeg(url: str, options: str, photo: bytes) -> bytes:
    """Return a server's JPEG of a photo; wait until its model is loaded.

    Raises:
        ServiceError: there is no JPEG within `START_TIMEOUT_S`.
    """
    deadline_s = time.monotonic() + START_TIMEOUT_S
    with closing(Connection(url)) as connection:
        while True:
            response = connection.request("POST", f"/compress?{options}", photo)
            if response.status == 200:
                return response.body
            if time.monotonic() > deadline_s:
                raise ServiceError(f"the server responded {response.status}")
            time.sleep(0.2)


def list_others(
    rivals: Sequence[str], options: str, workers: int | None, against: Path | None
) -> dict[str, AbstractContextManager[Server]]:
    """Return the other servers by name, not yet started.

    Args:
        rivals: names of rivals.
        options: query of ``/compress``.
        workers: number of Foveate's workers, if it is known.
        against: checkout of another version.
    """
    others: dict[str, AbstractContextManager[Server]] = {}
    if workers and workers > 1:
        others[ONE_WORKER] = started_foveate(workers=1)
    if against:
        others[BEFORE] = started_foveate(folder=against)
    for name in rivals:
        others[name] = started_server(name, options)
        if name in SCALING and workers and workers > 1:
            others[f"{name}, {workers} workers"] = started_server(name, options, workers)
    return others
