"""Images/s on a machine with a GPU: the network and the codec alone, and the service over HTTP.

Photos are generated. The file is written after each part. A part that fails or takes longer than its
budget has its error there, and the next one follows.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.environment import PACKAGES, describe_machine, write_result
from bench.gpu.parts import Part, run_part
from bench.gpu.service_load import measure_workers
from bench.load.closed_loop import DEFAULT_OPTIONS
from bench.load.statistics import rounded

PHOTO_PX: Final = (768, 512)
PHOTOS: Final = 16
SEED: Final = 0  # of the first photo; each further one has the next number
# The service's defaults, and the cheapest request for the cores.
QUERIES: Final = ("", DEFAULT_OPTIONS)
WANTED_IMAGES_PER_S: Final = 1000.0
# All parts together end within this time.
TOTAL_S: Final = 570.0
# Time of a part for its start (torch, CUDA, processes), and also to compile the kernels.
START_S: Final = 60.0
COMPILE_S: Final = 90.0
# Time of the codec's and the network's parts, relative to the time that they measure.
OVERHEAD: Final = 1.3
LOAD_S: Final = 8.0  # a load beside the time that it measures: its start, warm-up and end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu is a check of the benchmark itself (%(default)s)",
    )
    parser.add_argument(
        "--batch-sizes",
        type=int,
        nargs="+",
        default=[1, 2, 4, 8, 16, 32, 64, 128],
        metavar="N",
        help="of the network alone (default: 1 2 4 8 16 32 64 128)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=[1, 2, 4],
        metavar="N",
        help="numbers of workers of the service (default: 1 2 4)",
    )
    parser.add_argument("--front-ends", type=int, default=4, help="of the service (%(default)s)")
    parser.add_argument(
        "--clients", type=int, default=128, help="with one request in flight each (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="measured for each figure (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code: 2 without the device, 1 if a part failed."""
    if missing := find_missing_device(args.device):
        print(f"bench gpu: {missing}; nothing was measured", file=sys.stderr)
        return 2
    ends_s = time.monotonic() + TOTAL_S
    parts: dict[str, Any] = {}
    result = {"meta": describe_run(args), "parts": parts}
    for part in list_parts(args):
        parts[part.name] = measured = rounded(run_part(part, ends_s))
        print(f"bench gpu: {part.name}: {measured}", flush=True)
        write_result(args.out, result)
    best = find_best_rate(parts)
    reached = "reached" if best >= WANTED_IMAGES_PER_S else "not reached"
    print(f"bench gpu: {WANTED_IMAGES_PER_S:.0f} images/s end to end {reached}: {best:.0f} at most")
    return 1 if any("error" in measured for measured in parts.values()) else 0


def find_missing_device(device: str) -> str | None:
    """Return why the device can't be used; None if it can."""
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        return f"torch can't be loaded ({error})"
    if device == "cuda" and not torch.cuda.is_available():
        return f"torch {torch.__version__} finds no CUDA device"
    return None


def describe_run(args: argparse.Namespace) -> dict[str, Any]:
    """Return machine, versions, command, device, photos and seed."""
    import torch  # noqa: PLC0415

    width_px, height_px = PHOTO_PX
    on_cuda = args.device == "cuda"
    return {
        **describe_machine(PACKAGES),
        "device": torch.cuda.get_device_name() if on_cuda else "cpu",
        "cuda": torch.version.cuda if on_cuda else None,
        "photos": f"{PHOTOS} generated pictures, {width_px}×{height_px}, JPEG quality 92",
        "seed": SEED,
        "seconds": args.seconds,
        "clients": args.clients,
        "front_ends": args.front_ends,
    }


def list_parts(args: argparse.Namespace) -> list[Part]:
    """Return the parts in their order."""
    from bench.gpu.stages import measure_codec, measure_network  # noqa: PLC0415 -- loads torch

    seeds = range(SEED, SEED + PHOTOS)
    common = {
        "photos": [to_jpeg(generate_photo(*PHOTO_PX, seed)) for seed in seeds],
        "device": args.device,
        "seconds": args.seconds,
    }
    load = {"queries": QUERIES, "front_ends": args.front_ends, "clients": args.clients}
    network_s = 2 * len(args.batch_sizes) * args.seconds
    codec_s = 2 * (1 + len(QUERIES)) * args.seconds
    load_s = len(QUERIES) * (LOAD_S + args.seconds)
    return [
        Part(
            "network",
            START_S + OVERHEAD * network_s,
            measure_network,
            {**common, "batch_sizes": args.batch_sizes},
        ),
        Part(
            "codec",
            COMPILE_S + OVERHEAD * codec_s,
            measure_codec,
            {**common, "queries": QUERIES},
        ),
        *(
            Part(
                f"service, workers: {workers}",
                START_S + load_s,
                measure_workers,
                {**common, **load, "workers": workers},
            )
            for workers in args.workers
        ),
    ]


def find_best_rate(parts: dict[str, Any]) -> float:
    """Return the highest images/s of the service; 0 if it was not measured."""
    return max(
        (
            own["images_per_s"]
            for name, part in parts.items()
            if name.startswith("service") and "figures" in part
            for own in part["figures"].values()
        ),
        default=0.0,
    )
