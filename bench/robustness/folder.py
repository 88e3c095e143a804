"""A folder through the command line: its cost, a kill and the resumed run.

``python -m app compress`` runs over photos and is killed (SIGKILL) after a third of them. A second
run resumes; a third run has nothing to do. Every result is decoded.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from bench.datasets.uploads import list_uploads
from bench.environment import ROOT, describe_machine, find_data, write_result
from bench.load.service_process import ServiceError, started_service
from bench.load.statistics import rounded

POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A finished run of the command; ``summary`` is None if it was killed."""

    exit_code: int
    cpu_s: float
    elapsed_s: float
    peak_rss_bytes: int
    summary: dict[str, int] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images",
        type=Path,
        default=find_data() / "fixations" / "osie",
        help="folder of photos (%(default)s)",
    )
    parser.add_argument(
        "--count", type=int, default=500, help="number of photos, the first by name (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a result is missing at the end."""
    photos = list_uploads(args.images)[: args.count]
    if not photos:
        print(f"bench folder: no photos in {args.images}", file=sys.stderr)
        return 2
    try:
        figures = measure(photos)
    except ServiceError as error:
        print(f"bench folder: {error}", file=sys.stderr)
        return 1
    meta = {**describe_machine(), "photos": f"{len(photos)} files of {args.images.name}/"}
    print(json.dumps(rounded(figures), indent=2))
    write_result(args.out, {"meta": meta, "summary": rounded(figures)})
    return 0 if figures["decoded"] == len(photos) else 1


def measure(photos: list[Path]) -> dict[str, Any]:
    """Return CPU time, speed and results of the three runs."""
    with tempfile.TemporaryDirectory(prefix="foveate-") as name:
        source, target = Path(name, "photos"), Path(name, "results")
        source.mkdir()
        for photo in photos:
            (source / photo.name).symlink_to(photo.resolve())
        with started_service() as (url, processes):
            before_s = sum(processes.cpu_s().values())
            killed = compress(source, target, url, kill_at=max(len(photos) // 3, 1))
            resumed = compress(source, target, url)
            service_cpu_s = sum(processes.cpu_s().values()) - before_s
            idle = compress(source, target, url)
        results = list(target.glob("*.jpg"))
        decoded = sum(is_whole_jpeg(path) for path in results)
    assert resumed.summary is not None
    assert idle.summary is not None
    images = len(photos)
    client_cpu_s = killed.cpu_s + resumed.cpu_s
    return {
        "photos": images,
        "killed_after": resumed.summary["skipped"],
        "resumed": resumed.summary,
        "resumed_exit_code": resumed.exit_code,
        "resumed_images_per_s": resumed.summary["compressed"] / resumed.elapsed_s,
        "nothing_to_do": {"elapsed_s": idle.elapsed_s, **idle.summary},
        "decoded": decoded,
        "cpu_ms_per_image": {
            "client": 1e3 * client_cpu_s / images,
            "service": 1e3 * service_cpu_s / images,
        },
        "client_share_of_service": client_cpu_s / service_cpu_s,
        "client_peak_rss_bytes": resumed.peak_rss_bytes,
    }


def compress(source: Path, target: Path, url: str, *, kill_at: int | None = None) -> CommandRun:
    """Run the command; with ``kill_at`` kill it once that many results exist."""
    started_s = time.monotonic()
    command = [sys.executable, "-m", "app", "compress", str(source), "-o", str(target), "--json"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([*command, "--url", url], cwd=ROOT, stdout=output)
        if kill_at is not None:
            while is_running(process.pid) and len(list(target.glob("*.jpg"))) < kill_at:
                time.sleep(POLL_S)
            process.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        last = output.read().splitlines()[-1:] if kill_at is None else []
    return CommandRun(
        process.returncode,
        usage.ru_utime + usage.ru_stime,
        time.monotonic() - started_s,
        usage.ru_maxrss * 1024,
        json.loads(last[0])["summary"] if last else None,
    )


def is_running(pid: int) -> bool:
    """Return whether a child is still running, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def is_whole_jpeg(path: Path) -> bool:
    """Return whether a file is a whole JPEG."""
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture.format == "JPEG"
    except OSError:
        return False
