"""The same model and encoder behind other servers: what serving itself costs.

Every server is started anew in each round and measured in turn, so that a noisy machine is noisy
for all. ``alone`` is no server: the stages by themselves. ``before`` is another version of ours.
"""

import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from bench.load import Connection, HttpError, Load
from bench.machine import ROOT
from bench.servers.compressor import OPTIONS_VARIABLE
from bench.service_figures import summarize
from bench.service_process import ServiceError, Steal, started_service

START_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 15.0
# The package that each needs.
RIVALS: Final = {"mosec": "mosec", "litserve": "litserve", "inprocess": "fastapi"}
MEASURED: Final = ("images_per_s", "p50_ms", "p99_ms")
BEFORE: Final = "before"
# Of a round, taken by the host: above that it says more of the host than of the server.
CALM_STEAL: Final = 0.05
# Beside them, in each round: what the host took from the cores, and the throughput without that.
ADJUSTED: Final = ("steal", "unstolen_images_per_s")


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
) -> dict[str, Any]:
    """Return each server's figures: medians over the rounds, and the rounds themselves.

    ``against`` is a checkout of another version, whose JPEGs may be others.

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
            with started(name, options, against) as (url, cpu_s):

                def take(clients: int, url: str = url, cpu_s: CpuTimes = cpu_s) -> dict[str, Any]:
                    return measure(
                        url,
                        options,
                        photos,
                        clients,
                        seconds=seconds,
                        warm_up_s=warm_up_s,
                        cpu_s=cpu_s,
                    )

                jpeg = ask_once(url, options, photos[0])
                if name == "foveate":
                    reference = jpeg
                    single.append(take(1))
                if jpeg != reference and name != BEFORE:
                    raise ServiceError(f"{name} gives another JPEG than foveate")
                figures.append(take(clients))
    return {
        "clients": clients,
        "servers": {
            name: {**middle(figures), "rounds": figures} for name, figures in taken.items()
        },
        "single_client": {**middle(single), "rounds": single},
        "alone": {
            **{
                kind: {
                    key: statistics.median(turn[kind][key] for turn in calm(alone))
                    for key in alone[0][kind]
                }
                for kind in ("single", "batch")
            },
            "rounds": alone,
        },
    }


def calm(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rounds in which the host took hardly anything from the cores; all, if there are none."""
    return [figure for figure in figures if figure["steal"] <= CALM_STEAL] or figures


def middle(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of calm rounds."""
    figures = calm(figures)
    roles = figures[0]["cpu_ms_per_image"]
    return {
        **{
            name: statistics.median(figure[name] for figure in figures)
            for name in (*MEASURED, *ADJUSTED)
        },
        "cpu_ms_per_image": {
            role: statistics.median(figure["cpu_ms_per_image"][role] for figure in figures)
            for role in roles
        },
    }


def measure(
    url: str,
    options: str,
    photos: list[bytes],
    clients: int,
    *,
    seconds: float,
    warm_up_s: float,
    cpu_s: "CpuTimes",
) -> dict[str, Any]:
    """Return one server's figures under so many clients."""
    load = Load(url, f"/compress?{options}", photos, clients)
    load.start()
    try:
        time.sleep(warm_up_s)
        before, steal, started_s = cpu_s.read(), Steal(), time.monotonic()
        time.sleep(seconds)
        ended_s, stolen, after = time.monotonic(), steal.share(), cpu_s.read()
    finally:
        load.stop()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    summary = summarize(samples, ended_s - started_s)
    if summary["errors"]:
        raise ServiceError(f"errors under load: {summary['errors']}")
    images = summary["images"]
    if not images:
        raise ServiceError("no answer within the time measured")
    spent = {role: 1e3 * (after[role] - before[role]) / images for role in after}
    return {
        **{name: summary[name] for name in MEASURED},
        "steal": stolen,
        "unstolen_images_per_s": summary["images_per_s"] / (1 - stolen),
        "cpu_ms_per_image": spent,
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


class CpuTimes:
    """CPU seconds of a server's processes by role."""

    def __init__(self, roles: dict[str, list[psutil.Process]]) -> None:
        self._roles = roles

    def read(self) -> dict[str, float]:
        """Return them now."""
        return {
            role: sum(sum(process.cpu_times()[:2]) for process in processes)
            for role, processes in self._roles.items()
        }


@contextmanager
def started(name: str, options: str, against: Path | None = None) -> Iterator[tuple[str, CpuTimes]]:
    """Run one of the servers; yield its URL and what its processes cost."""
    if name in {"foveate", BEFORE}:
        with started_service(folder=against if name == BEFORE and against else ROOT) as (
            url,
            processes,
        ):
            yield url, CpuTimes(processes.by_role())
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", f"bench.servers.{name}"]
    if name == "mosec":
        command += ["--timeout", "120000"]  # its own is three seconds
    with tempfile.TemporaryFile() as log:
        process = psutil.Popen(
            [*command, "--address", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, OPTIONS_VARIABLE: options},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_up(process, url)
            family = [process, *process.children(recursive=True)]
            yield url, CpuTimes({"all": family})
        except ServiceError as error:
            log.seek(0)
            raise ServiceError(f"{name}: {error}\n{log.read()[-2000:].decode()}") from error
        finally:
            stop(process)


def wait_until_up(process: psutil.Popen, url: str) -> None:
    """Return once the server answers an upload; its workers have loaded the model then."""
    probe = b"\xff\xd8\xff\xd9"  # no photo: whatever is said to it, somebody is there
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        connection = Connection(url)
        try:
            connection.request("GET", "/", probe)
            return
        except (HttpError, OSError):
            time.sleep(0.2)
        finally:
            connection.close()
    raise ServiceError("did not get ready")


def stop(process: psutil.Popen) -> None:
    """End a server and all that it has started."""
    family = process.children(recursive=True)
    process.terminate()
    _, alive = psutil.wait_procs([process, *family], timeout=STOP_TIMEOUT_S)
    for each in alive:
        each.kill()


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
