"""Images/s on a GPU machine: each stage alone, the network, and the service end to end.

Photos are generated. The run ends within `--budget` seconds. The error of a step that fails is
recorded, as is a step without enough time left. The file is written after each step.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.environment import PACKAGES, count_cores, describe_machine, write_result
from bench.gpu.network import measure_compiled, measure_networks
from bench.gpu.service_load import measure_service, start_service
from bench.gpu.stages import measure_stages
from bench.load.statistics import rounded

PHOTO_PX: Final = (768, 512)
PHOTOS: Final = 16
WANTED_IMAGES_PER_S: Final = 1000.0
BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
NETWORK_BATCH_SIZES: Final = (1, 8, 32)
SERVED_BATCH_SIZES: Final = (1, 128)
CLIENTS: Final = (1, 8, 32, 64)
MOST_CLIENTS: Final = 128
WORKERS: Final = (4, 2, 8, 1)
FRONT_ENDS: Final = 4
USUAL_BATCH_SIZE: Final = 32
TARGET: Final = "/compress?quality=50&target=size&progressive=false"
# Time to start and drain a service.
START_S: Final = 30.0


class Report:
    """The figures so far, written to a file after each step."""

    def __init__(self, meta: dict[str, Any], out: Path | None, budget_s: float) -> None:
        self.figures: dict[str, Any] = {"meta": meta}
        self._out = out
        self._ends_s = time.monotonic() + budget_s

    def left_s(self) -> float:
        """Return how many seconds of the budget are left."""
        return self._ends_s - time.monotonic()

    def step(self, name: str, needed_s: float, work: Callable[[], Any]) -> Any:
        """Run a step; store its result, its error, or that no time was left."""
        started_s = time.monotonic()
        if self.left_s() < needed_s:
            found: Any = "not measured: no time left"
        else:
            try:
                found = work()
            except Exception as error:  # noqa: BLE001 -- the other steps still run
                found = f"{type(error).__name__}: {error}"[:2000]
        self.figures[name] = found
        print(
            f"bench gpu: {name}: {json.dumps(rounded(found))} ({time.monotonic() - started_s:.0f} s)"
        )
        self.write()
        return found

    def write(self) -> None:
        """Write the file."""
        write_result(self._out, rounded(self.figures))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu is a short check of the benchmark itself (%(default)s)",
    )
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="measured for each point (%(default)s)"
    )
    parser.add_argument(
        "--budget", type=float, default=540.0, help="seconds in total (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    import torch  # noqa: PLC0415

    on_cuda = args.device == "cuda"
    if on_cuda and not torch.cuda.is_available():
        print("bench gpu: no CUDA device, so nothing was measured (--device cpu checks the code)")
        return 0
    photos = [to_jpeg(generate_photo(*PHOTO_PX, seed)) for seed in range(PHOTOS)]
    meta = {
        **describe_machine(PACKAGES),
        "device": torch.cuda.get_device_name() if on_cuda else "cpu",
        "photos": f"{PHOTOS} generated pictures, {PHOTO_PX[0]}×{PHOTO_PX[1]}, JPEG",
        "target": TARGET,
    }
    # A check writes no file.
    report = Report(meta, args.out if on_cuda else None, args.budget)
    if on_cuda:
        measure(report, photos, args.seconds)
    else:
        check(report, photos)
    best = max(list_rates(report.figures), default=0.0)
    reached = "reached" if best >= WANTED_IMAGES_PER_S else "not reached"
    print(f"bench gpu: 1,000 images/s end to end {reached}: {best:.0f} at most")
    return 0


def measure(report: Report, photos: list[bytes], seconds: float) -> None:
    """Measure all figures, the most important ones first."""
    cores = count_cores()
    report.step(
        "stages_images_per_s",
        60,
        lambda: measure_stages(photos, "cuda", BATCH_SIZES, cores, seconds=seconds / 4),
    )
    most = (MOST_CLIENTS,)

    def serve(clients: tuple[int, ...], **setup: Any) -> float:
        return best_rate(serve_step(report, photos, seconds, clients, Setup(**setup)))

    by_workers = {WORKERS[0]: serve(most, workers=WORKERS[0])}
    report.step(
        "networks_images_per_s",
        30,
        lambda: measure_networks(photos, NETWORK_BATCH_SIZES, seconds=seconds / 4),
    )
    by_workers |= {workers: serve(most, workers=workers) for workers in WORKERS[1:]}
    workers = max(by_workers, key=lambda number: by_workers[number])
    serve(CLIENTS, workers=workers)
    for size in SERVED_BATCH_SIZES:
        serve(most, workers=workers, max_batch_size=size)
    serve(most, workers=workers, front_ends=1)
    report.step(
        "compiled_images_per_s",
        60,
        lambda: measure_compiled(photos, USUAL_BATCH_SIZE, report.left_s, seconds=seconds / 4),
    )


def check(report: Report, photos: list[bytes]) -> None:
    """Take a few short measurements on the CPU."""
    report.step(
        "stages_images_per_s",
        0,
        lambda: measure_stages(photos[:4], "cpu", (1, 2), count_cores(), seconds=0.2),
    )
    setup = Setup(1, max_batch_size=4, front_ends=2, device="cpu")
    serve_step(report, photos, 2.0, (2,), setup)


@dataclass(frozen=True, slots=True)
class Setup:
    """Processes and settings of the measured service."""

    workers: int
    max_batch_size: int = USUAL_BATCH_SIZE
    front_ends: int = FRONT_ENDS
    device: str = "cuda"

    def settings(self) -> dict[str, str]:
        """Return the environment variables of its workers."""
        return {
            "DEVICE": self.device,
            "CODEC_THREADS": str(max(2, count_cores() // self.workers)),
            "MAX_BATCH_SIZE": str(self.max_batch_size),
        }


def serve_step(
    report: Report, photos: list[bytes], seconds: float, clients: tuple[int, ...], setup: Setup
) -> Any:
    """Measure the service for each number of clients, as one step of the report."""

    def work() -> dict[str, Any]:
        settings = setup.settings()
        with start_service(setup.front_ends, setup.workers, settings) as service:
            found = {
                str(count): measure_service(service, TARGET, photos, count, seconds=seconds)
                for count in clients
            }
        return {"settings": settings, "clients": found}

    name = (
        f"{setup.workers} workers, {setup.front_ends} front ends, "
        f"batch {setup.max_batch_size}{', by clients' if len(clients) > 1 else ''}"
    )
    return report.step(name, START_S + len(clients) * (seconds + 5), work)


def best_rate(served: Any) -> float:
    """Return the highest images/s of a step; 0 if it failed."""
    if not isinstance(served, dict):
        return 0.0
    return max(float(figures["images_per_s"]) for figures in served["clients"].values())


def list_rates(figures: dict[str, Any]) -> list[float]:
    """Return the best rate of each step that measured the service."""
    return [
        best_rate(step) for step in figures.values() if isinstance(step, dict) and "clients" in step
    ]
