"""Goodput above the capacity: small and large photos at multiples of the closed loop's rate.

Goodput counts the JPEGs that arrive within the deadline. Each rate is measured between two closed
loops, so that a change of the machine's speed affects both alike.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from bench.datasets.uploads import list_uploads, to_jpeg
from bench.environment import ROOT, count_cores, describe_machine, read_revision, write_result
from bench.load.closed_loop import Load
from bench.load.open_loop import LEAD_S, Arrival, OpenLoad, poisson_arrivals
from bench.load.service_process import started_service
from bench.load.statistics import percentile, rounded
from bench.service.sizing import Size, make_photo

# 0.4 and 4 megapixels, half of the photos each.
SIZES_PX: Final[tuple[Size, ...]] = ((768, 512), (2448, 1632))
PHOTOS_OF_EACH: Final = 12
MULTIPLES: Final = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
CLIENTS_PER_CORE: Final = 2
DEADLINE_S: Final = 4.0
# Time and warm-up of a closed loop as shares of those of a rate.
CLOSED_SHARE: Final = 0.5
CLOSED_WARM_UP_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Mix:
    """Photos of two sizes, alternately, and the request and deadline of each."""

    photos: Sequence[bytes]
    large: frozenset[bytes]
    target: str
    deadline_s: float

    def is_large(self, sent_bytes: int) -> bool:
        """Return whether an upload of this length is one of the large photos."""
        return sent_bytes >= min(map(len, self.large))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this part of the benchmark."""
    parser.add_argument(
        "--overload",
        type=float,
        nargs="*",
        metavar="M",
        help="measure this alone: photos of 0.4 and 4 megapixels at M times the closed loop's rate, "
        f"also of --against (no number: {' '.join(f'{one:g}' for one in MULTIPLES)})",
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=DEADLINE_S,
        help="with --overload: the service's REQUEST_TIMEOUT_S (%(default)s)",
    )


def run_overload(args: argparse.Namespace) -> int:
    """Measure and write the report; return 1 if a status is neither 200 nor a refusal.

    Raises:
        ServiceError: the service does not get ready.
    """
    mix = make_mix(args.images, f"/compress?{args.options}", args.deadline)
    folders = {"foveate": ROOT, **({"against": args.against} if args.against else {})}
    measured = {name: measure_folder(args, mix, folder) for name, folder in folders.items()}
    report = {
        "meta": {
            **describe_machine(),
            "options": args.options,
            "sizes_px": SIZES_PX,
            "deadline_s": args.deadline,
            "seconds": args.rate_seconds,
            "warm_up_s": args.warm_up,
            "against": read_revision(args.against) if args.against else None,
        },
        **measured,
    }
    write_result(args.out, rounded(report))
    statuses = {status for one in measured["foveate"]["rates"] for status in one["statuses"]}
    return int(not statuses <= {"200", "429", "504"})


def make_mix(images: Path, target: str, deadline_s: float) -> Mix:
    """Return photos made of the tiles of those in ``images``, or generated ones without any."""
    paths = list_uploads(images)
    small, large = (
        [to_jpeg(make_photo(paths, *size, seed)) for seed in range(PHOTOS_OF_EACH)]
        for size in SIZES_PX
    )
    photos = [photo for pair in zip(small, large, strict=True) for photo in pair]
    return Mix(photos, frozenset(large), target, deadline_s)


def measure_folder(args: argparse.Namespace, mix: Mix, folder: Path) -> dict[str, Any]:
    """Return the figures of one version of the service at each multiple."""
    settings = {"REQUEST_TIMEOUT_S": f"{mix.deadline_s:g}"}
    rates = []
    closed_s = CLOSED_SHARE * args.rate_seconds
    with started_service(args.workers, settings, folder) as (url, processes):
        workers = len(processes.by_role()["worker"])
        closed_per_s = measure_closed(url, mix, closed_s, args.warm_up)
        for multiple in args.overload or MULTIPLES:
            figures = measure_open(
                url, mix, multiple * closed_per_s, args.rate_seconds, args.warm_up
            )
            before_per_s, closed_per_s = (
                closed_per_s,
                measure_closed(url, mix, closed_s, CLOSED_WARM_UP_SHARE * args.warm_up),
            )
            around_per_s = fmean([before_per_s, closed_per_s])
            rates.append(
                {
                    "multiple": multiple,
                    "closed_loop_images_per_s": around_per_s,
                    "offered_share": figures["offered_images_per_s"] / around_per_s,
                    "goodput_share": figures["goodput_images_per_s"] / around_per_s,
                    "goodput_megapixel_share": figures["goodput_megapixels_per_s"]
                    / (around_per_s * fmean(map(count_megapixels, (True, False)))),
                    **figures,
                }
            )
            print_rate(folder, rates[-1])
    return {"workers": workers, "rates": rates}


def measure_closed(url: str, mix: Mix, seconds: float, warm_up_s: float) -> float:
    """Return the photos per second of clients that each wait for their last response."""
    load = Load(url, mix.target, mix.photos, CLIENTS_PER_CORE * count_cores())
    load.start()
    time.sleep(warm_up_s)
    opened_s = time.monotonic()
    time.sleep(seconds)
    closed_s = time.monotonic()
    load.stop()
    good = [one for one in load.samples if one.status == 200]
    return sum(opened_s <= one.ended_s < closed_s for one in good) / (closed_s - opened_s)


def measure_open(
    url: str, mix: Mix, per_s: float, seconds: float, warm_up_s: float
) -> dict[str, Any]:
    """Return the figures of photos that are sent at ``per_s`` whatever the service does."""
    load = OpenLoad(url, mix.target, mix.photos)
    start_s = time.monotonic() + LEAD_S
    due_s = poisson_arrivals(per_s, warm_up_s + seconds, seed=1)
    load.start([start_s + one for one in due_s])
    load.join()
    opened_s = start_s + warm_up_s
    return describe(load.arrivals, mix, (opened_s, opened_s + seconds))


def describe(
    arrivals: Sequence[Arrival], mix: Mix, window_s: tuple[float, float]
) -> dict[str, Any]:
    """Return the figures of the requests that are due, and of the JPEGs that arrive, in a window."""
    opened_s, closed_s = window_s
    deadline_ms = 1e3 * mix.deadline_s
    due = [one.sample for one in arrivals if opened_s <= one.due_s < closed_s]
    good = [one for one in due if one.status == 200]
    ended = [one.sample for one in arrivals if opened_s <= one.sample.ended_s < closed_s]
    in_time_bytes = [
        one.sent_bytes for one in ended if one.status == 200 and one.elapsed_ms <= deadline_ms
    ]
    refused_ms = [one.elapsed_ms for one in due if one.status == 429]
    return {
        "offered_images_per_s": len(due) / (closed_s - opened_s),
        "goodput_images_per_s": len(in_time_bytes) / (closed_s - opened_s),
        "statuses": dict(Counter(str(one.status or "no response") for one in due)),
        "late": sum(one.elapsed_ms > deadline_ms for one in good),
        "refused_p50_ms": percentile(refused_ms, 0.5) if refused_ms else None,
        "good_p50_ms": percentile([one.elapsed_ms for one in good], 0.5) if good else None,
        "good_p99_ms": percentile([one.elapsed_ms for one in good], 0.99) if good else None,
        "large_share_of_good": sum(mix.is_large(one.sent_bytes) for one in good)
        / max(1, len(good)),
        # The closed loop has as many large photos as small ones, so this is not a matter of the mix.
        "goodput_megapixels_per_s": sum(map(count_megapixels, map(mix.is_large, in_time_bytes)))
        / (closed_s - opened_s),
    }


def count_megapixels(is_large: bool) -> float:
    """Return the megapixels of a large or a small photo."""
    width_px, height_px = SIZES_PX[is_large]
    return width_px * height_px / 1e6


def print_rate(folder: Path, figures: dict[str, Any]) -> None:
    """Print one line."""
    print(
        f"{folder.name:>12} {figures['offered_images_per_s']:6.1f}/s offered,"
        f" {figures['multiple']:g} times the closed loop:"
        f" {figures['goodput_images_per_s']:6.1f}/s in time,"
        f" {figures['goodput_share']:.2f} of its photos, {figures['goodput_megapixel_share']:.2f}"
        f" of its pixels; {figures['statuses']}, {figures['late']} late"
    )
