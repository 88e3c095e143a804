"""Images/s on a GPU machine: each stage alone, and end to end by batch size, clients and workers.

Photos are generated, so that it needs no other files; it takes less than ten minutes.
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.gpu_stages import measure_stages
from bench.load import HttpError
from bench.machine import describe_machine, output_of, usable_cores
from bench.service import measure
from bench.service_figures import rounded
from bench.service_photos import generate_photo, to_jpeg
from bench.service_process import ServiceError, started_service

PHOTO_PX: Final = (768, 512)
PHOTOS: Final = 16
BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
SERVED_BATCH_SIZES: Final = (1, 8, 32, 128)
CLIENTS: Final = (1, 4, 16, 64)
WORKERS: Final = (1, 2, 4)
USUAL_BATCH_SIZE: Final = 32
TARGET: Final = "/compress?quality=50&target=size&progressive=false"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu is a short check that the benchmark itself works",
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="measured, for each point")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    import torch  # noqa: PLC0415

    on_cuda = args.device == "cuda"
    if on_cuda and not torch.cuda.is_available():
        print("bench: no CUDA device here, so nothing was measured (--device cpu checks the code)")
        return 0
    photos = [to_jpeg(generate_photo(*PHOTO_PX, seed)) for seed in range(PHOTOS)]
    report: dict[str, Any] = {
        "meta": {
            **describe_machine(),
            "device": torch.cuda.get_device_name() if on_cuda else "cpu",
            "photos": f"{PHOTOS} generated pictures, {PHOTO_PX[0]}×{PHOTO_PX[1]}, JPEG",
            "target": TARGET,
        }
    }
    sizes = BATCH_SIZES if on_cuda else (1, 2)
    report["stages_images_per_s"] = measure_stages(
        photos, args.device, sizes, usable_cores(), seconds=args.seconds / 4 if on_cuda else 0.2
    )
    try:
        report["end_to_end"] = measure_served(photos, args) if on_cuda else check_served(photos)
    except (ServiceError, HttpError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(json.dumps(rounded({k: v for k, v in report.items() if k != "meta"}), indent=2))
    if args.out and on_cuda:  # what a check finds are no figures
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(rounded(report), indent=2, ensure_ascii=False) + "\n")
    return 0


def measure_served(photos: list[bytes], args: argparse.Namespace) -> dict[str, Any]:
    """Return figures of the whole service: by clients, by batch size, by workers."""
    most = CLIENTS[-1]
    by_workers = {
        str(workers): serve(photos, workers, USUAL_BATCH_SIZE, (most,), seconds=args.seconds)
        for workers in WORKERS
    }
    best = max(WORKERS, key=lambda n: by_workers[str(n)][str(most)]["images_per_s"])
    return {
        "workers": {workers: figures[str(most)] for workers, figures in by_workers.items()},
        "clients": serve(photos, best, USUAL_BATCH_SIZE, CLIENTS, seconds=args.seconds),
        "max_batch_size": {
            str(size): serve(photos, best, size, (most,), seconds=args.seconds)[str(most)]
            for size in SERVED_BATCH_SIZES
        },
    }


def check_served(photos: list[bytes]) -> dict[str, Any]:
    """Return one short point on the CPU."""
    return {"clients": serve(photos, 1, 4, (2,), seconds=2.0, device="cpu")}


def serve(
    photos: list[bytes],
    workers: int,
    max_batch_size: int,
    clients: tuple[int, ...],
    *,
    seconds: float,
    device: str = "cuda",
) -> dict[str, Any]:
    """Return the figures of each number of clients, of a service started for them."""
    settings = {"MAX_BATCH_SIZE": str(max_batch_size), "DEVICE": device}
    args = argparse.Namespace(seconds=seconds, warm_up=min(3.0, seconds))
    found = {}
    with started_service(workers, settings) as (url, processes):
        for count in clients:
            with gpu_load() as utilisation:
                figures = measure(url, TARGET, photos, count, args=args, processes=processes)
            figures |= {"workers": workers, "max_batch_size": max_batch_size}
            figures["gpu_percent"] = utilisation()
            # Whose share of its time on a core is near 1 is what limits, where it has one core.
            figures["cores_busy"] = {
                role: ms * figures["images_per_s"] / 1e3
                for role, ms in figures["cpu_ms_per_image"].items()
            }
            found[str(count)] = figures
    return found


@contextmanager
def gpu_load() -> Iterator[Callable[[], float | None]]:
    """Sample how busy the GPU is; what is yielded returns the mean in percent, if there is one."""
    samples: list[float] = []
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(0.5):
            shown = output_of(
                *("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
            )
            if not shown:
                return
            samples.append(float(shown.splitlines()[0]))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield lambda: sum(samples) / len(samples) if samples else None
    finally:
        stop.set()
        thread.join(35)
