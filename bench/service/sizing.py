"""The cost of a photo by its size: CPU time of each role, memory and bytes.

One client sends photos of growing size to one worker. So a process's peak memory after each size is
the peak of that size.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from PIL import Image

from bench.datasets.uploads import generate_photo, list_uploads, tile_photos, to_jpeg
from bench.environment import describe_machine, find_data, write_result
from bench.load.closed_loop import Connection, HttpError, send
from bench.load.service_process import Processes, ServiceError, started_service
from bench.load.statistics import rounded

Size = tuple[int, int]

# 0.4 to 24 megapixels: the most that current cameras and phones write by default.
SIZES_PX: Final[tuple[Size, ...]] = ((768, 512), (2048, 1536), (4000, 3000), (6000, 4000))
LEAST_PHOTOS: Final = 4
DEFAULT_OPTIONS: Final = ""
ROLES: Final = ("app", "worker", "redis")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument(
        "--megapixels", type=float, default=100, help="sent of each size (%(default)s)"
    )
    parser.add_argument("--options", default=DEFAULT_OPTIONS, help="query of /compress (none)")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if the service does not start or refuses a photo."""
    paths = list_uploads(args.images)
    described = f"tiles of {len(paths)} photos of {args.images.name}/" if paths else "generated"
    try:
        with started_service(workers=1) as service:
            ready = service[1].peak_rss_bytes()
            target = f"/compress?{args.options}"
            by_size = [
                measure_size(service, target, paths, size, args.megapixels) for size in SIZES_PX
            ]
    except (ServiceError, HttpError) as error:
        print(f"bench sizing: {error}", file=sys.stderr)
        return 1
    report = {
        "meta": {
            **describe_machine(),
            "photos": f"{described}, sent as JPEG quality 92",
            "options": args.options,
            "megapixels": args.megapixels,
        },
        "ready_peak_rss_bytes": ready,
        "summary": rounded(summarise(by_size, ready)),
        "by_size": rounded(by_size),
    }
    print(json.dumps(report["summary"], indent=2))
    write_result(args.out, report)
    return 0


def measure_size(
    service: tuple[str, Processes],
    target: str,
    paths: Sequence[Path],
    size_px: Size,
    megapixels: float,
) -> dict[str, Any]:
    """Return the mean cost of photos of one size, each sent alone.

    Raises:
        HttpError: a photo gets no JPEG.
    """
    url, processes = service
    width_px, height_px = size_px
    count = max(LEAST_PHOTOS, round(megapixels / (width_px * height_px / 1e6)))
    photos = [to_jpeg(make_photo(paths, width_px, height_px, seed)) for seed in range(count)]
    connection = Connection(url)
    try:
        # The first photo of a size allocates memory.
        warm_up = send(connection, target, photos[0])
        before_s = processes.cpu_s()
        samples = [send(connection, target, photo) for photo in photos]
        after_s = processes.cpu_s()
    finally:
        connection.close()
    if any(sample.status != 200 for sample in (warm_up, *samples)):
        raise HttpError(f"a photo of {width_px}×{height_px} got no JPEG")
    return {
        "size_px": [width_px, height_px],
        "megapixels": width_px * height_px / 1e6,
        "photos": count,
        # CPU time is counted in steps of 10 ms: divide a sum over photos.
        "cpu_ms": {role: 1e3 * (after_s[role] - before_s[role]) / count for role in ROLES},
        "elapsed_ms": median(sample.elapsed_ms for sample in samples),
        "bytes_in": median(sample.sent_bytes for sample in samples),
        "bytes_out": median(sample.received_bytes for sample in samples),
        "peak_rss_bytes": processes.peak_rss_bytes(),
    }


def make_photo(paths: Sequence[Path], width_px: int, height_px: int, seed: int) -> Image.Image:
    """Return a picture of this size: tiles of photos, the first number `seed`; else a generated one."""
    if not paths:
        return generate_photo(width_px, height_px, seed)
    return tile_photos(paths, width_px, height_px, first=seed)


def summarise(by_size: Sequence[dict[str, Any]], ready: dict[str, int]) -> dict[str, Any]:
    """Return the cost per megapixel from the smallest to the largest size, and the cost per photo."""
    least, most = by_size[0], by_size[-1]
    megapixels = most["megapixels"] - least["megapixels"]
    per_megapixel = {
        role: (most["cpu_ms"][role] - least["cpu_ms"][role]) / megapixels for role in ROLES
    }
    return {
        "cpu_ms_per_megapixel": per_megapixel,
        "fixed_cpu_ms": {
            role: least["cpu_ms"][role] - least["megapixels"] * per_megapixel[role]
            for role in ROLES
        },
        "worker_bytes_per_pixel": (most["peak_rss_bytes"]["worker"] - ready["worker"])
        / (most["megapixels"] * 1e6),
        "upload_bytes_per_megapixel": most["bytes_in"] / most["megapixels"],
        "elapsed_ms_per_megapixel": (most["elapsed_ms"] - least["elapsed_ms"]) / megapixels,
    }
