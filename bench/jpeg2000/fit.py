"""Fits λ for `target=quality`: where people look, our file and the reference have equal SSIMULACRA2.

For each photo and quality it finds that λ by bisection, and features of the reference that a prediction
may use. Then it prints least-squares coefficients for several sets of features, with the spread of
what is left, by photos left out in turn.
"""

import argparse
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.datasets.photos import Photo, add_photo_options, read_map, read_photo
from bench.encoders import decode, encode_standard, parse_quality
from bench.environment import count_cores, describe_machine, write_result
from bench.rd.run import choose_photos, report_progress
from codec.jpeg2000.block_weights import weigh_blocks
from codec.jpeg2000.codestream import write_codestream
from codec.jpeg2000.layered import code_layers
from codec.jpeg2000.packet_writer import write_packets
from codec.jpeg2000.quality import describe_reference, measure_unit
from codec.jpeg2000.rate_search import CutPlan
from codec.jpeg2000.tuning import DEFAULT_STRENGTH, choose_weights

QUALITIES: Final = (20, 35, 50, 65, 75, 85, 92, 96)
TRIALS: Final = 9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_photo_options(parser)
    add = parser.add_argument
    add("--quality", type=parse_quality, nargs="+", default=QUALITIES, help="of the reference")
    add("--limit", type=int, help="number of photos, the first by hashed name (all)")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")
    add("--out", type=Path, required=True, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the coefficients, write the file; return the exit code."""
    from bench.rd.processes import open_pool  # noqa: PLC0415 -- loads torch

    args.strength, args.strengths, args.ladder = DEFAULT_STRENGTH, (), None
    photos = choose_photos(args)
    rows: list[dict[str, float]] = []
    with open_pool(args.jobs) as map_photos:
        measured = map_photos(partial(measure_photo, qualities=args.quality), photos)
        for number, one in enumerate(report_progress(measured, len(photos))):
            rows += [{"photo": number, **row} for row in one.rows.values()]
    fits = {}
    for names in (("log_scale",), ("log_scale", "log_error"), ("log_error",)):
        fits["+".join(names)] = fit(rows, names)
        print(names, fits["+".join(names)])
    write_result(args.out, {"meta": describe_machine(), "fits": fits, "rows": rows}, indent=1)
    return 0


def measure_photo(photo: Photo, qualities: Sequence[int]) -> Any:
    """Return, by quality, the features of the reference and the logarithm of the λ that is as good."""
    from bench.metrics import ssimulacra2_fast  # noqa: PLC0415 -- loads torch
    from bench.metrics.regions import keep_elsewhere  # noqa: PLC0415
    from bench.rd.measure import PhotoMeasures, load_prediction, prepare_scene  # noqa: PLC0415

    image = read_photo(photo)
    saliency = read_map(photo.map_path) if photo.map_path else load_prediction()(image)
    scene = prepare_scene(image, saliency, photo)
    layered = code_layers(image)
    ratio, rise = choose_weights(DEFAULT_STRENGTH)
    weights = weigh_blocks(layered.layout, layered.header.size, saliency, ratio, rise)
    plan = CutPlan(layered, weights)
    unit = measure_unit(image) - math.log(ratio)

    def score(data: bytes) -> float:
        composite = keep_elsewhere(image, decode(data), scene.looked_at)
        return ssimulacra2_fast.score(scene.scales, composite)

    measured = PhotoMeasures(photo, shape=(image.shape[0], image.shape[1]))
    for quality in qualities:
        reference = encode_standard(image, quality)
        goal = score(reference)
        low, high = plan.range
        for _ in range(TRIALS):
            middle = (low + high) / 2
            packets = write_packets(layered.blocks, layered.layout, plan.cut(middle))
            if score(write_codestream(layered.header, 1, packets)) >= goal:
                low = middle
            else:
                high = middle
        found = describe_reference(image, saliency, quality)
        row: Any = {
            "quality": quality, "log_lambda": middle + unit, "score": goal,
            "bytes_ratio": plan.count_bytes(plan.cut(middle)) / len(reference),
            "log_scale": found.log_scale, "log_error": found.log_error,
        }  # fmt: skip
        measured.rows[str(quality)] = row
    return measured


def fit(rows: list[dict[str, float]], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the coefficients, the constant first, and the spread of errors of photos left out."""
    features = np.array([[1.0, *(row[name] for name in names)] for row in rows])
    wanted = np.array([row["log_lambda"] for row in rows])
    groups = np.array([row["photo"] for row in rows])
    errors = np.zeros(len(rows))
    for group in np.unique(groups):
        inside = groups == group
        solved = solve(features[~inside], wanted[~inside])
        errors[inside] = wanted[inside] - features[inside] @ solved
    return {
        "coefficients": [round(float(value), 4) for value in solve(features, wanted)],
        "rms_error": round(float(np.sqrt(np.mean(errors**2))), 4),
    }


def solve(features: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares coefficients."""
    solved = np.linalg.lstsq(features, wanted, rcond=None)[0]
    return np.asarray(solved, np.float64)
