"""The same model and encoder behind other servers: what serving itself costs.

Every server is started anew in each round and measured in turn, so that a noisy machine is noisy
for all. ``alone`` is no server: the stages by themselves. ``before`` is another version of ours.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.gpu_load import gpu_load
from bench.load import Connection, Load
from bench.machine import ROOT
from bench.rival_process import START_TIMEOUT_S, started_rival
from bench.servers.compressor import OPTIONS_VARIABLE
from bench.service_figures import mean_batch, medians, read_metrics, summarize
from bench.service_process import ServiceError, Steal, started_service

# The package that each needs.
RIVALS: Final = {"mosec": "mosec", "litserve": "litserve", "inprocess": "fastapi"}
MEASURED: Final = ("images_per_s", "p50_ms", "p95_ms", "p99_ms")
BEFORE: Final = "before"
# Of a round, taken by the host: above that it says more of the host than of the server.
CALM_STEAL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs: its URL, and CPU time in seconds by role, none if that can't be known.

    ``describe`` returns mean batch and stage times between two moments; ours tells them itself.
    """

    url: str
    cpu_s: Callable[[], dict[str, float]]
    describe: Callable[[float, float], dict[str, Any]] | None = None


def available(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the rivals that can be run, and those whose package isn't installed."""
    found = [name for name in names if importlib.util.find_spec(RIVALS[name])]
    return found, [name for name in names if name not in found]


def compare(
    rivals: Sequence[str],
    photos: list[bytes],
    options: str,
    *,
    clients: int,
    rounds: int,
    seconds: float,
    warm_up_s: float,
    against: Path | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """Return each server's figures: medians over the rounds, and the rounds themselves.

    ``against`` is a checkout of another version, whose JPEGs may be others; ``url`` is ours where it
    runs already.

    Raises:
        ServiceError: when one doesn't start, or its JPEG isn't the one that ours gives.
    """
    names = ["foveate", *([BEFORE] if against else []), *rivals]
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    single: list[dict[str, Any]] = []
    alone: list[dict[str, Any]] = []
    reference = b""
    for _ in range(rounds):
        alone.append(measure_alone(photos, options, seconds))
        for name, figures in taken.items():
            with started(name, options, against=against, url=url) as server:

                def take(clients: int, server: Server = server) -> dict[str, Any]:
                    return measure(
                        server, options, photos, clients, seconds=seconds, warm_up_s=warm_up_s
                    )

                jpeg = ask_once(server.url, options, photos[0])
                if name == "foveate":
                    reference = jpeg
                    single.append(take(1))
                if jpeg != reference and name != BEFORE:
                    raise ServiceError(f"{name} gives another JPEG than foveate")
                figures.append(take(clients))
    return {
        "clients": clients,
        "servers": {
            name: {**medians(calm(figures)), "rounds": figures} for name, figures in taken.items()
        },
        "single_client": {**medians(calm(single)), "rounds": single},
        "alone": {
            **{name: own for name, own in medians(calm(alone)).items() if name != "steal"},
            "rounds": alone,
        },
    }


def calm(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rounds in which the host took hardly anything from the cores; all, if there are none."""
    return [figure for figure in figures if figure["steal"] <= CALM_STEAL] or figures


def measure(
    server: Server,
    options: str,
    photos: list[bytes],
    clients: int,
    *,
    seconds: float,
    warm_up_s: float,
) -> dict[str, Any]:
    """Return one server's figures under so many clients."""
    load = Load(server.url, f"/compress?{options}", photos, clients)
    ours = server.describe is None
    load.start()
    try:
        time.sleep(warm_up_s)
        with gpu_load() as gpu_percent:
            metrics = read_metrics(server.url) if ours else {}
            before, steal, started_s = server.cpu_s(), Steal(), time.monotonic()
            time.sleep(seconds)
            ended_s, stolen, after = time.monotonic(), steal.share(), server.cpu_s()
            batch = mean_batch(metrics, read_metrics(server.url)) if ours else None
            gpu = gpu_percent() if after else None
    finally:
        load.stop()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    summary = summarize(samples, ended_s - started_s)
    if summary["errors"]:
        raise ServiceError(f"errors under load: {summary['errors']}")
    images = summary["images"]
    if not images:
        raise ServiceError("no answer within the time measured")
    return {
        **{name: summary[name] for name in MEASURED},
        "steal": stolen,
        # What the throughput would be without what the host took from the cores.
        "unstolen_images_per_s": summary["images_per_s"] / (1 - stolen),
        "cpu_ms_per_image": {role: 1e3 * (after[role] - before[role]) / images for role in after},
        "gpu_percent": gpu,
        **(
            server.describe(started_s, ended_s)
            if server.describe
            else {"mean_batch": batch, "stage_ms": summary["stage_ms"]}
        ),
    }


def measure_alone(photos: list[bytes], options: str, seconds: float) -> dict[str, Any]:
    """Return what the stages take without a server."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.jpg") for number in range(len(photos))]
        for path, photo in zip(paths, photos, strict=True):
            path.write_bytes(photo)
        steal = Steal()
        ended = subprocess.run(
            [sys.executable, "-m", "bench.servers.alone", str(seconds), *map(str, paths)],
            cwd=ROOT,
            env={**os.environ, OPTIONS_VARIABLE: options},
            stdout=subprocess.PIPE,
            check=True,
        )
        stolen = steal.share()
    return {**json.loads(ended.stdout), "steal": stolen}


@contextmanager
def started(
    name: str, options: str, *, against: Path | None = None, url: str | None = None
) -> Iterator[Server]:
    """Run one of the servers; ours may run at ``url`` already."""
    if name == "foveate" and url:
        yield Server(url, dict)
    elif name in {"foveate", BEFORE}:
        folder = against if name == BEFORE and against else ROOT
        with started_service(folder=folder) as (own_url, processes):
            yield Server(own_url, processes.cpu_s)
    else:
        with started_rival(name, options) as (own_url, rival):
            yield Server(own_url, rival.cpu_s, rival.describe)


def ask_once(url: str, options: str, photo: bytes) -> bytes:
    """Return what a server makes of a photo; the first request may have to wait for the model."""
    connection = Connection(url)
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while True:
        answer = connection.request("POST", f"/compress?{options}", photo)
        if answer.status == 200:
            connection.close()
            return answer.body
        if time.monotonic() > deadline_s:
            raise ServiceError(f"the server answered {answer.status}")
        time.sleep(0.2)
