"""``python -m bench regions``: are regions where the objects are, and what do they cost?"""

import argparse
import itertools
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.environment import PACKAGES, describe_machine, find_data, write_result
from bench.regions.cam import LEAST_PROBABILITY, ClassActivation
from bench.regions.labels import (
    HALVES,
    LEAST_AREA,
    Classes,
    Labelled,
    list_classes,
    read_objects,
)
from bench.regions.score import count, summarise
from model.onnx_predictor import OnnxPredictor
from model.prediction import Prediction, select_classes
from worker.image.regions import FACE, RULE, ClassMaps, Rule, find_regions
from worker.image.thumbnail import hash_thumbnail
from worker.image.window import find_focus, find_window, shape_window

GRID: Final[Mapping[str, tuple[float, ...]]] = {
    "least_score": (0.1, 0.15, 0.2, 0.3, 0.4),
    "least_odds": (0.2, 0.3, 0.5, 0.8, 1.2, 1e9),
    "least_evidence": (0.3, 0.5, 0.8),
    "least_share": (0.0, 0.05, 0.1),
    "least_area": (0.01,),
    "smoothing": (0.5, 1.0, 1.5, 2.0),
}
# Of the grid, rules with more of their regions on nothing are left out. More are on nothing on photos
# whose labels the network has not learnt from.
MOST_ON_NOTHING: Final = 0.2
SHOWN_RULES: Final = 12
REPEATS: Final = 5


class Measured(NamedTuple):
    """A photo's objects, and what the network and its rival say of it."""

    objects: list[Labelled]
    prediction: Prediction
    size_px: tuple[int, int]
    network_input: NDArray[np.uint8]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--half", choices=HALVES, default="measuring", help="(%(default)s)")
    parser.add_argument("--grid", action="store_true", help="compare rules instead")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the shares, write the file; return the exit code."""
    folder = find_data() / "coco"
    predictor, classes = OnnxPredictor(), list_classes()
    try:
        objects = read_objects(folder, args.half)
    except OSError as error:
        print(f"bench regions: {error}", file=sys.stderr)
        return 2
    photos = [predict(folder / name, own, predictor) for name, own in objects.items()]
    if args.grid:
        print_grid(photos, classes)
        return 0
    rival = ClassActivation(classes)
    summary = {
        "foveate": summarise(evaluate(photos, classes, RULE)),
        "cam": summarise(
            count(photo.objects, rival.find_regions(photo.network_input), classes)
            for photo in photos
        ),
    }
    added_ms = measure_cost(photos, predictor)
    for name, shares in summary.items():
        print(f"{name:<8}", " ".join(f"{key} {value:g}" for key, value in shares.items()))
    print("CPU ms  ", " ".join(f"{key} {value:.3f}" for key, value in added_ms.items()))
    meta = {
        **describe_machine((*PACKAGES, "onnxruntime", "thash")),
        "half": args.half,
        "photos": len(photos),
        "weights": predictor.version,
        "least_area": LEAST_AREA,
        "rule": asdict(RULE),
        "cam_least_probability": LEAST_PROBABILITY,
    }
    write_result(args.out, {"meta": meta, "summary": summary, "cpu_ms": added_ms}, indent=1)
    return 0


def predict(path: Path, objects: list[Labelled], predictor: OnnxPredictor) -> Measured:
    """Return what the network says of a photo."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")  # labels refer to the stored pixels
    prepared = predictor.prepare(photo)
    (prediction,) = predictor.predict([prepared])
    return Measured(objects, prediction, photo.size, prepared)


def evaluate(photos: list[Measured], classes: Classes, rule: Rule) -> Iterator[Counter[str]]:
    """Yield the counts of each photo."""
    for photo in photos:
        saliency, names, probabilities, maps = photo.prediction
        regions = find_regions(ClassMaps(names, probabilities, maps), saliency, rule)
        yield count(photo.objects, regions, classes)


def list_rules() -> Iterator[Rule]:
    """Yield every rule of the grid."""
    for values in itertools.product(*GRID.values()):
        yield Rule(**dict(zip(GRID, values, strict=True)))


def print_grid(photos: list[Measured], classes: Classes) -> None:
    """Print the rules that find the most objects, by the mean of found and framed."""
    rows = [(summarise(evaluate(photos, classes, rule)), rule) for rule in list_rules()]
    fitting = [row for row in rows if row[0]["on_nothing"] <= MOST_ON_NOTHING]
    fitting.sort(key=lambda row: -(row[0]["found"] + row[0]["framed"]))
    for shares, rule in fitting[:SHOWN_RULES]:
        shown = [f"{key} {value:g}" for key, value in (asdict(rule) | shares).items()]
        print(" ".join(shown))


def measure_cost(photos: list[Measured], predictor: OnnxPredictor) -> dict[str, float]:
    """Return the median CPU time of each step in milliseconds; crops are 9:16."""
    class_maps = [predictor.run_network(photo.network_input)[0] for photo in photos]
    costs: dict[str, list[float]] = {}

    def measure(name: str, work: Callable[[], object]) -> None:
        started_s = time.process_time()
        for _ in range(REPEATS):
            work()
        spent_s = (time.process_time() - started_s) / REPEATS
        costs.setdefault(name, []).append(1000 * spent_s)

    for photo, raw in zip(photos, class_maps, strict=True):
        saliency, names, probabilities, maps = photo.prediction
        found, size_px = ClassMaps(names, probabilities, maps), photo.size_px
        window_px = shape_window(size_px, (9_000_000, 16_000_000))
        measure("select_classes", lambda: select_classes(saliency, raw, predictor.classes))  # noqa: B023
        measure("find_regions", lambda: find_regions(found, saliency))  # noqa: B023
        measure("find_focus", lambda: find_focus(saliency))  # noqa: B023

        def crop() -> object:
            faces = found.find_probability(FACE, saliency.shape)  # noqa: B023
            return find_window(saliency, size_px, window_px, faces)  # noqa: B023

        measure("find_window", crop)
        measure("thumbhash", lambda: hash_thumbnail(photo.network_input, size_px))  # noqa: B023
    medians = {name: round(statistics.median(each), 3) for name, each in costs.items()}
    return medians | {"sum": round(sum(medians.values()), 3)}
