"""Rate and distortion: Foveate's encoder and its rivals at the bytes of the standard JPEG.

The file holds ``meta``; ``summary``, each encoder's means at the first --quality; ``by_quality``
with ``summary``, ``wins``, ``worst`` and ``groups`` of every quality; ``bd_rate`` and
``bd_rate_over`` with --curve; ``images``, the measures by photo, quality and encoder.
docs/benchmarks.md explains each.
"""

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

from bench.datasets.photos import (
    Photo,
    add_photo_options,
    find_photos,
    plan_photos,
    read_fixations,
)
from bench.encoders import FORMATS, RIVALS, STANDARD, find_missing, parse_quality
from bench.encoders import PACKAGES as RIVAL_PACKAGES
from bench.environment import PACKAGES, count_cores, describe_machine, write_result
from bench.rd.summary import count_wins, find_worst, group_photos, print_table, summarise
from codec.settings import Tune

SEED: Final = 0  # unused: encoders and metrics are deterministic
QUALITIES: Final = (50, 75)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_photo_options(parser)
    add = parser.add_argument
    add("--quality", type=parse_quality, nargs="+", help="qualities of the standard JPEG (50 75)")
    add("--strength", type=float, default=0.6, help="of the encoder `foveate` (%(default)s)")
    add("--tune", choices=get_args(Tune), default="perceptual", help="its tune (%(default)s)")
    add(
        "--strengths",
        type=float,
        nargs="*",
        default=(),
        help="further strengths, reported as foveate@0.2",
    )
    add("--out", type=Path, required=True, help="JSON file to write")
    add(
        "--rivals",
        nargs="*",
        choices=(*RIVALS, *FORMATS),
        default=RIVALS,
        help="other encoders (all)",
    )
    add("--fidelity", action="store_true", help="measure target=quality too: bytes saved")
    add("--curve", action="store_true", help="BD-rates over qualities 20 to 95, or --quality")
    add("--ladder", type=int, metavar="STEPS", help="sizes of each photo, up to its own")
    add("--limit", type=int, help="number of photos, the first by hashed name (all)")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")
    add("--report", type=Path, metavar="DIR", help="write a page with plots and crops there")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the tables, write the file; return the exit code."""
    try:
        photos = choose_photos(args)
    except ValueError as error:
        return refuse(str(error))
    # The metrics' libraries take seconds to load: first check that there are photos.
    from bench.rd.measure import MeasureOptions  # noqa: PLC0415

    missing = find_missing(args.rivals)
    for name, reason in missing.items():
        note(f"{name} is left out: {reason}")
    curve = importlib.import_module("bench.rd.bd_rate")
    qualities = tuple(dict.fromkeys(args.quality or (curve.QUALITIES if args.curve else QUALITIES)))
    rivals = tuple(name for name in args.rivals if name not in missing)
    options = MeasureOptions(
        qualities,
        args.strength,
        rivals,
        tune=args.tune,
        crops=bool(args.report),
        fidelity=args.fidelity,
        more_strengths=tuple(args.strengths),
    )
    done = list(measure_photos(photos, options, args.jobs))
    measured = [one for one in done if not one.error]
    if not measured:
        return refuse("no photo could be measured")
    images = {one.photo.name: one.rows for one in measured}
    groups = {one.photo.name: one.photo.group for one in measured}
    by_quality = {str(quality): sum_up(images, groups, str(quality)) for quality in qualities}
    result = {"meta": describe(args, options, done, missing),
              "summary": by_quality[str(qualities[0])]["summary"], "by_quality": by_quality}  # fmt: skip
    for quality, part in by_quality.items():
        print_table(f"quality {quality}", part["summary"])
    if args.curve:
        result["bd_rate"] = curve.find_bd_rates(images)
        curve.print_bd_rates(result["bd_rate"], STANDARD)
        result["bd_rate_over"] = {rival: curve.find_bd_rates(images, rival) for rival in rivals}
        for rival, rates in result["bd_rate_over"].items():
            curve.print_bd_rates(rates, rival)
    result["images"] = images
    write_result(args.out, result, indent=1)
    if args.report:
        report = importlib.import_module("bench.rd.report")
        report.write_report(args.report, result, measured)
    return 0


def choose_photos(args: argparse.Namespace) -> list[Photo]:
    """Return the photos to measure.

    Raises:
        ValueError: an option is invalid, or there are no photos.
    """
    if args.jobs < 1 or (args.ladder is not None and args.ladder < 2):
        raise ValueError("--jobs must be 1 or more, --ladder 2 or more")
    if not all(0.0 <= strength <= 1.0 for strength in (args.strength, *args.strengths)):
        raise ValueError("--strength must lie in 0..1")
    if not args.images.is_dir():
        raise ValueError(f"no folder {args.images.name}")
    fixations = read_fixations(args.fixations) if args.fixations else {}
    all_photos = find_photos(args.images, {}, None, None)
    found = find_photos(args.images, fixations, args.fold, args.limit)
    if not all_photos:
        raise ValueError(f"no photos in {args.images.name}")
    if not found and args.fixations:
        raise ValueError(
            f"none of the photos in {args.images.name} has fixations in {args.fixations.name}"
        )
    if not found:
        raise ValueError(f"no photos of the fold {args.fold} in {args.images.name}")
    return plan_photos(found, fixations, args.maps, args.halve, args.ladder)


def measure_photos(photos: Sequence[Photo], options: Any, jobs: int) -> Iterator[Any]:
    """Yield the measures of each photo in order and print a line of progress for each."""
    from bench.rd.measure import measure_photo  # noqa: PLC0415
    from bench.rd.processes import open_pool  # noqa: PLC0415

    with open_pool(jobs) as map_photos:
        measured = map_photos(partial(measure_photo, options=options), photos)
        yield from report_progress(measured, len(photos))


def report_progress(measured: Iterator[Any], total: int) -> Iterator[Any]:
    """Yield each result and print a line of progress."""
    for number, one in enumerate(measured, 1):
        note(
            f"{number}/{total} {one.photo.name}" + (f": left out: {one.error}" if one.error else "")
        )
        yield one


def sum_up(images: dict[str, Any], groups: dict[str, str], quality: str) -> dict[str, Any]:
    """Return all summaries of one quality."""
    photos = {name: rows[quality] for name, rows in images.items()}
    rows = list(photos.values())
    return {
        "summary": summarise(rows),
        "wins": count_wins(rows),
        "worst": find_worst(photos),
        "groups": group_photos(photos, groups),
    }


def describe(
    args: argparse.Namespace, options: Any, done: Sequence[Any], missing: dict[str, str]
) -> dict[str, Any]:
    """Return the ``meta`` of the result; print the measures that are left out."""
    from bench.metrics import (  # noqa: PLC0415
        butteraugli,
        full_reference,
        regions,
    )

    measured = [one for one in done if not one.error]
    left_out = dict(missing)
    if butteraugli.load_library() is None:
        left_out["butteraugli"] = butteraugli.HINT
        note(f"butteraugli is left out: {butteraugli.HINT}")
    for metric, side_px in full_reference.SHORTEST_SIDE_PX.items():
        small = sum(min(one.shape) < side_px for one in measured)
        if small:
            left_out[metric] = f"{small} photos with a side below {side_px} pixels"
            note(f"{metric} is left out for {left_out[metric]}")
    return {
        **describe_machine((*PACKAGES, *RIVAL_PACKAGES, *full_reference.PACKAGES)),
        "seed": SEED,
        "photos": len(measured),
        "photos_unreadable": {one.photo.name: one.error for one in done if one.error},
        "fold": args.fold or "all",
        "halved": args.halve,
        "ladder_steps": args.ladder,
        "strength": options.strength,
        "tune": options.tune,
        "salient_share": regions.SALIENT_SHARE,
        "maps": "files" if args.maps else "model.Predictor",
        "gaze": "fixations" if args.fixations else "map",
        "equal_bytes": "rivals: interpolated between whole qualities, on log bytes",
        "jobs": args.jobs,
        "left_out": left_out,
    }


def note(line: str) -> None:
    """Print a line to stderr."""
    print(f"bench rd: {line}", file=sys.stderr, flush=True)


def refuse(reason: str) -> int:
    """Print the reason; return the exit code."""
    note(reason)
    return 2
