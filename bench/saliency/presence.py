"""Which classes photos show: Foveate's presence beside the classifier's, on photos kept aside."""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from bench.environment import PACKAGES, describe_machine, find_data, write_result
from bench.metrics.precision import average_precision, calibration_error
from bench.saliency.baselines import CLASSIFIER
from model.checkpoint import load_network
from model.classes import read_classes
from model.input_size import choose_input_size, scale_photo
from model.msroi import normalise_pixels
from model.training.calibration import read_truth
from model.training.classifier import load_classifier
from model.training.labels.classes import make_classes
from model.training.labels.targets import NO_TEXT_SHARE, TEXT_SHARE
from model.training.labels.text import PACKAGE, TextDetector
from model.training.photos import FACE, HELD_FOLD, PERSON, TEXT, Photo, find_coco, find_photos
from model.weights_file import SHIPPED_INT8_WEIGHTS, SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS

Scores = NDArray[np.float32]  # (C,)
Scorer = Callable[[NDArray[np.uint8]], Scores]  # (H, W, 3) at the network's input size

NAMES: Final = tuple(entry.name for entry in read_classes())
OURS: Final = ("foveate", "foveate_int8", "foveate_weak")
RIVAL: Final = "cam"
# Classes that fewer photos show are not counted in a set's mean.
LEAST_PHOTOS: Final = {"labelled": 1, "coco": 5}
USUAL: Final = (1, 4)  # classes on a photo of one object


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--limit", type=int, help="number of photos of each set")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure both sets, print the means, write the file; return the exit code."""
    data = find_data()
    sets = {
        "labelled": find_photos(data / "train"),
        "coco": find_coco(data / "coco"),
    }
    scorers, thresholds = load_scorers()
    summary: dict[str, Any] = {}
    counts = {}
    for name, photos in sets.items():
        held = [photo for photo in photos if photo.fold == HELD_FOLD]
        shown = [photo for photo in held if photo.present or photo.absent][: args.limit]
        counts[name] = len(shown)
        truth, known = read_truth(shown, NAMES)
        if name == "labelled":
            add_text(shown, truth, known)
        scores = score_photos(shown, scorers)
        summary[name] = {
            scorer: {
                **measure_classes(found, truth, known, LEAST_PHOTOS[name]),
                **measure_decisions(found, truth, known, thresholds.get(scorer)),
            }
            for scorer, found in scores.items()
        }
        print_table(name, summary[name])
    meta = {
        **describe_machine((*PACKAGES, "onnxruntime", CLASSIFIER, PACKAGE.replace("_", "-"))),
        "photos": counts,
        "least_photos": LEAST_PHOTOS,
        "thresholds": thresholds,
    }
    write_result(args.out, {"meta": meta, "summary": summary}, indent=1)
    return 0


def load_scorers() -> tuple[dict[str, Scorer], dict[str, float]]:
    """Return what gives each map's odds of each class, and the thresholds of ours.

    The classifier's are its probabilities, summed over the class's synsets; it knows no people.
    """
    files = {"foveate": SHIPPED_WEIGHTS, "foveate_weak": SHIPPED_WEAK_WEIGHTS}
    scorers: dict[str, Scorer] = {}
    thresholds = {}
    for name, path in files.items():
        network, _ = load_network(path)
        thresholds[name] = network.config.threshold

        def in_torch(pixels: NDArray[np.uint8], network: Any = network) -> Scores:
            images = normalise_pixels(torch.from_numpy(pixels[None]))
            with torch.inference_mode():
                odds: Scores = network.presence(network.class_maps(images))[0].numpy()
            return odds

        scorers[name] = in_torch
    thresholds["foveate_int8"] = thresholds["foveate"]
    scorers["foveate_int8"] = load_int8(SHIPPED_INT8_WEIGHTS)
    classes, classifier = make_classes(), load_classifier()

    def classify(pixels: NDArray[np.uint8]) -> Scores:
        with torch.inference_mode():
            logits = classifier(normalise_pixels(torch.from_numpy(pixels[None])))
        pooled: Scores = classes.pool(logits.softmax(1).numpy())[0]
        return pooled

    scorers[RIVAL] = classify
    return scorers, thresholds


def load_int8(path: Path) -> Scorer:
    """Return what gives the odds of each class by the network in 8 bits."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def score(pixels: NDArray[np.uint8]) -> Scores:
        padded = np.pad(pixels[None], ((0, 0), (0, 0), (0, 0), (0, 1)))
        (class_maps,) = session.run(["class_maps"], {"pixels": padded})
        means: Scores = class_maps[0].mean((0, 1)).reshape(len(NAMES), -1).sum(1)
        return means

    return score


def add_text(photos: Sequence[Photo], truth: NDArray[np.bool_], known: NDArray[np.bool_]) -> None:
    """Fill in whether photos show text, by the teacher's detector, where it is installed."""
    text = NAMES.index(TEXT)
    try:
        detector = TextDetector()
    except RuntimeError as error:
        print(f"bench presence: text is left out: {error}", file=sys.stderr)
        return
    for index, photo in enumerate(photos):
        with Image.open(photo.path) as opened:
            share = float(detector.find(opened.convert("RGB")).mean())
        truth[index, text] |= share >= TEXT_SHARE
        known[index, text] = truth[index, text] or share < NO_TEXT_SHARE


def score_photos(photos: Sequence[Photo], scorers: Mapping[str, Scorer]) -> dict[str, Scores]:
    """Return each scorer's odds or probabilities: (N, C)."""
    scores: dict[str, list[Scores]] = {name: [] for name in scorers}
    area_px = load_network(SHIPPED_WEIGHTS)[0].config.input_area_px
    for photo in tqdm(photos, "measuring", unit="photo"):
        with Image.open(photo.path) as opened:
            pixels = np.array(scale_photo(opened, choose_input_size(*opened.size, area_px)))
        for name, score in scorers.items():
            scores[name].append(score(pixels))
    return {name: np.stack(rows) for name, rows in scores.items()}


def measure_classes(
    scores: Scores, truth: NDArray[np.bool_], known: NDArray[np.bool_], least: int
) -> dict[str, Any]:
    """Return the average precision of each class that photos show, and the mean over classes."""
    classes: dict[str, dict[str, float]] = {}
    for index, name in enumerate(NAMES):
        rows = known[:, index]
        count = int(truth[rows, index].sum())
        if count:
            precision = average_precision(scores[rows, index], truth[rows, index])
            classes[name] = {"precision": round(precision, 4), "photos": count}
    counted = [row["precision"] for row in classes.values() if row["photos"] >= least]
    return {
        "mean_precision": round(statistics.fmean(counted), 4) if counted else None,
        "counted_classes": len(counted),
        "classes": classes,
    }


def measure_decisions(
    odds: Scores, truth: NDArray[np.bool_], known: NDArray[np.bool_], threshold: float | None
) -> dict[str, float]:
    """Return what the test of presence says; nothing for a scorer without a threshold.

    Of photos with a labelled object, `right` is the share with one of these classes present, and
    `usual` that with 1 to 4 present classes.
    """
    if threshold is None:
        return {}
    present = (odds > threshold) | (odds == odds.max(1, keepdims=True))
    objects = truth & ~np.isin(NAMES, (PERSON, FACE, TEXT))
    labelled = objects.any(1)
    counts = present[labelled].sum(1)
    found = (present & truth).sum() / max((truth & known).sum(), 1)
    probabilities = odds / (1 + odds)
    return {
        "right": round(float((present & objects).any(1)[labelled].mean()), 4),
        "usual": round(float(((counts >= USUAL[0]) & (counts <= USUAL[1])).mean()), 4),
        "present": round(float(counts.mean()), 2),
        "recall": round(float(found), 4),
        "precision": round(float((present & truth).sum() / (present & known).sum()), 4),
        "calibration_error": round(calibration_error(probabilities[known], truth[known]), 4),
    }


def print_table(name: str, summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a set's figures."""
    for scorer, row in summary.items():
        shown = {key: value for key, value in row.items() if key != "classes"}
        print(f"{name:<9} {scorer:<13} {json.dumps(shown)}")
    names = summary[OURS[0]]["classes"]
    for class_name in names:
        cells = [row["classes"][class_name] for row in summary.values()]
        print(f"  {class_name:<19}" + "".join(f"{cell['precision']:>8.3f}" for cell in cells))
