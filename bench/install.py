"""A first installation: time from an empty folder to the first JPEG, and its size on the disk.

The last commit of this checkout is cloned into a new folder, and ``make run`` installs and starts it
there. The caches of pip and of compiled kernels are empty. A second ``make run`` shows a later start.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.environment import ROOT, describe_machine, write_result
from bench.load.service_process import READY_MARK
from bench.load.statistics import rounded

STOP_TIMEOUT_S: Final = 90.0
PHOTO_SIZE_PX: Final = (768, 512)
LARGEST: Final = 6
# Variables that name other caches or another service, or keep Python from writing compiled modules.
REMOVED: Final = (
    *("MAKEFLAGS", "MAKELEVEL", "NUMBA_CACHE_DIR", "PIP_CACHE_DIR", "PYTHONDONTWRITEBYTECODE"),
    *("PYTHONPATH", "REDIS_URL", "VIRTUAL_ENV"),
)
# The service's own address must not go through a proxy of the environment.
OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class InstallError(Exception):
    """A step failed; the message says which."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a step fails."""
    try:
        summary, packages = measure(ROOT)
    except InstallError as error:
        print(f"bench install: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rounded(summary), indent=2))
    meta = {**describe_machine(), "packages": packages}
    write_result(args.out, {"meta": meta, "summary": rounded(summary)})
    return 0


def measure(source: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return times and sizes of an installation, and the versions of its packages.

    Args:
        source: a git checkout with a Makefile.

    Raises:
        InstallError: the clone, the installation or a request fails.
    """
    photo = to_jpeg(generate_photo(*PHOTO_SIZE_PX, seed=0))
    with tempfile.TemporaryDirectory(prefix="foveate-") as name:
        checkout, environment = Path(name, "foveate"), make_environment(Path(name, "cache"))
        started_s = time.time()
        if subprocess.run(["git", "clone", "--quiet", source, checkout], check=False).returncode:
            raise InstallError("git clone failed")
        cloned_s = time.time()
        with running(checkout, environment) as url:
            ready_s = time.time()
            compress(url, photo)
            first_jpeg_s = time.time()
        # `make` touches this file when everything is installed.
        (stamp,) = (checkout / ".venv").glob(".installed-*")
        installed_s = stamp.stat().st_mtime
        size = measure_size(checkout / ".venv")
        later_s = time.time()
        with running(checkout, environment) as url:
            compress(url, photo)
            later_jpeg_s = time.time()
        packages = list_packages(checkout)
    return {
        "extras": stamp.name.removeprefix(".installed-"),
        "clone_s": cloned_s - started_s,
        "install_s": installed_s - cloned_s,
        "start_s": ready_s - installed_s,
        "first_photo_s": first_jpeg_s - ready_s,
        "first_jpeg_after_s": first_jpeg_s - started_s,
        "later_jpeg_after_s": later_jpeg_s - later_s,
        **size,
    }, packages


def make_environment(caches: Path) -> dict[str, str]:
    """Return the environment with empty caches below a folder that does not exist yet."""
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED}
    return {**kept, "XDG_CACHE_HOME": str(caches)}


@contextmanager
def running(checkout: Path, environment: dict[str, str]) -> Iterator[str]:
    """Call ``make run`` on a free port; yield the service's URL; stop it at the end.

    Raises:
        InstallError: it ends before the service is ready.
    """
    command = ["make", "run", "PORT=0"]
    process = subprocess.Popen(
        command,
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if READY_MARK in line:
                yield line.partition(READY_MARK)[2].split()[0]
                break
        else:
            raise InstallError("make run ended before the service was ready")
    finally:
        # The group, because make does not pass every signal on.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def compress(url: str, photo: bytes) -> None:
    """Send a photo.

    Raises:
        InstallError: the response is no JPEG.
    """
    try:
        with OPENER.open(f"{url}/compress", data=photo) as response:
            body = response.read()
    except urllib.error.URLError as error:
        raise InstallError(f"the photo was not compressed: {error}") from error
    if not body.startswith(b"\xff\xd8"):
        raise InstallError("the response is no JPEG")


def measure_size(folder: Path) -> dict[str, Any]:
    """Return the bytes that an environment takes on the disk, and those of its largest packages."""
    by_package = {
        entry.name: count_bytes(entry)
        for entry in folder.glob("lib/python*/site-packages/*")
        if entry.is_dir()
    }
    largest = sorted(by_package, key=lambda name: by_package[name], reverse=True)[:LARGEST]
    return {
        "venv_bytes": count_bytes(folder),
        "largest_bytes": {name: by_package[name] for name in largest},
    }


def count_bytes(folder: Path) -> int:
    """Return the bytes that the files below a folder take on the disk; links are not followed."""
    paths = [folder, *folder.rglob("*")]
    blocks = {(stat.st_dev, stat.st_ino): stat.st_blocks for stat in map(Path.lstat, paths)}
    return 512 * sum(blocks.values())


def list_packages(checkout: Path) -> dict[str, str]:
    """Return the versions of the installed packages by name."""
    python = str(checkout / ".venv" / "bin" / "python")
    command = [python, "-m", "pip", "list", "--format=json"]
    listed = subprocess.run(command, capture_output=True, check=True, cwd=checkout).stdout
    return {package["name"]: package["version"] for package in json.loads(listed)}
