"""JPEG 2000: ours with and without the map, and OpenJPEG's own, at the bytes of the standard JPEG.

The file holds ``meta``; ``by_quality``, each with ``summary`` (means of each encoder), ``over_uniform``
(means of ours minus those of ours without the map, and on how many photos ours is better), and
``over_openjpeg`` (ours without the map at OpenJPEG's bytes); ``images``, the measures by photo.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.datasets.photos import Photo, add_photo_options, read_map, read_photo
from bench.encoders import STANDARD, Map, decode, encode_ours, encode_standard, parse_quality
from bench.environment import count_cores, describe_machine, write_result
from bench.jpeg2000.encoders import (
    FULL,
    OPENJPEG,
    OPENJPEG_32,
    OURS,
    UNIFORM,
    encode_jp2,
    encode_openjpeg,
)
from bench.metrics import Picture
from bench.rd.run import choose_photos, report_progress
from codec.jpeg2000.layered import BLOCK_PX

QUALITIES: Final = (50, 75)
FOVEATE: Final = "foveate"
AT_OPENJPEG: Final = "jp2_at_openjpeg"
"""Ours without the map, at the bytes of OpenJPEG's file."""
FIDELITY: Final = "jp2_quality"
"""Ours with `target="quality"`."""
SHOWN: Final = ("bytes", "psnr", "psnr_s", "ssimulacra2", "ssimulacra2_gaze", "ms")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_photo_options(parser)
    add = parser.add_argument
    add("--quality", type=parse_quality, nargs="+", default=QUALITIES, help="of the standard JPEG")
    add("--strength", type=float, default=0.6, help="of our encoder (%(default)s)")
    add("--limit", type=int, help="number of photos, the first by hashed name (all)")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")
    add("--out", type=Path, required=True, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the tables, write the file; return the exit code."""
    args.strengths, args.ladder = (), None
    photos = choose_photos(args)
    images: dict[str, Any] = {}
    for one in measure_photos(photos, tuple(args.quality), args.strength, args.jobs):
        images[one.photo.name] = one.rows
    result: dict[str, Any] = {
        "meta": {
            **describe_machine(("numba", "numpy", "pillow")),
            "photos": len(images),
            "fold": args.fold or "all",
            "halved": args.halve,
            "strength": args.strength,
            "maps": "files" if args.maps else "model.Predictor",
            "gaze": "fixations" if args.fixations else "map",
        },
        "by_quality": {},
    }
    for quality in map(str, args.quality):
        rows = [photo[quality] for photo in images.values()]
        result["by_quality"][quality] = sum_up(rows)
        print_table(quality, result["by_quality"][quality])
    result["images"] = images
    write_result(args.out, result, indent=1)
    return 0


def measure_photos(
    photos: Sequence[Photo], qualities: tuple[int, ...], strength: float, jobs: int
) -> Any:
    """Yield the measures of each photo."""
    from bench.rd.processes import open_pool  # noqa: PLC0415 -- loads torch

    with open_pool(jobs) as map_photos:
        measure = partial(measure_photo, qualities=qualities, strength=strength)
        yield from report_progress(map_photos(measure, photos), len(photos))


def measure_photo(photo: Photo, qualities: tuple[int, ...], strength: float) -> Any:
    """Return the measures of all encoders for one photo, by quality and encoder."""
    from bench.rd.measure import (  # noqa: PLC0415 -- loads torch
        PhotoMeasures,
        load_prediction,
        prepare_scene,
        round_measures,
    )

    image = read_photo(photo)
    saliency = read_map(photo.map_path) if photo.map_path else load_prediction()(image)
    scene = prepare_scene(image, saliency, photo)
    measured = PhotoMeasures(photo, shape=(image.shape[0], image.shape[1]))
    for quality in qualities:
        limit = len(encode_standard(image, quality))
        own = partial(encode_jp2, image, saliency, quality, limit_bytes=limit)
        openjpeg = encode_openjpeg(image, limit)
        writers: dict[str, Callable[[], bytes]] = {
            STANDARD: partial(encode_standard, image, quality),
            FOVEATE: partial(encode_foveate, image, saliency, quality, strength),
            OPENJPEG: partial(encode_openjpeg, image, limit),
            OPENJPEG_32: partial(encode_openjpeg, image, limit, BLOCK_PX),
            UNIFORM: partial(own, 0.0),
            AT_OPENJPEG: partial(own, 0.0, limit_bytes=len(openjpeg)),
            OURS: partial(own, strength),
            FULL: partial(own, 1.0),
            FIDELITY: partial(own, strength, target="quality"),
        }
        rows = {}
        for name, write in writers.items():
            started = time.perf_counter()
            file = write()
            ms = (time.perf_counter() - started) * 1000
            rows[name] = round_measures(
                {"bytes": len(file), **measure_file(scene, decode(file)), "ms": ms}
            )
        measured.rows[str(quality)] = rows
    return measured


def encode_foveate(image: Picture, saliency: Map, quality: int, strength: float) -> bytes:
    """Return Foveate's JPEG."""
    return encode_ours(image, saliency, quality, strength)[0]


def measure_file(scene: Any, decoded: Picture) -> dict[str, float]:
    """Return those measures that are compared; `bench rd` has more, and takes ten times as long."""
    from bench.metrics import full_reference, ssimulacra2_fast  # noqa: PLC0415 -- loads torch
    from bench.metrics.regions import keep_elsewhere  # noqa: PLC0415

    own = full_reference.to_luma(decoded)
    composite = keep_elsewhere(scene.image, decoded, scene.looked_at)
    return {
        "psnr": full_reference.psnr(scene.image, decoded),
        "psnr_y": full_reference.psnr(scene.luma, own),
        "psnr_s": full_reference.psnr(scene.luma[scene.region], own[scene.region]),
        "ssimulacra2": ssimulacra2_fast.score(scene.scales, decoded),
        "ssimulacra2_gaze": ssimulacra2_fast.score(scene.scales, composite),
    }


def sum_up(photos: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """Return means by encoder, and ours against what it is compared with."""
    return {
        "summary": {
            name: {
                metric: round(statistics.fmean(photo[name][metric] for photo in photos), 5)
                for metric in photos[0][name]
            }
            for name in photos[0]
        },
        "over_uniform": compare(photos, OURS, UNIFORM),
        "full_over_uniform": compare(photos, FULL, UNIFORM),
        "over_openjpeg": compare(photos, AT_OPENJPEG, OPENJPEG),
        "over_openjpeg_32": compare(photos, AT_OPENJPEG, OPENJPEG_32),
        "over_standard": compare(photos, OURS, STANDARD),
        "quality_over_standard": compare(photos, FIDELITY, STANDARD),
        "quality_over_foveate": compare(photos, FIDELITY, FOVEATE),
    }


def compare(
    photos: Sequence[Mapping[str, Mapping[str, float]]], name: str, other: str
) -> dict[str, Any]:
    """Return mean differences of an encoder to another, its share of the bytes, and its wins."""
    differences = {
        metric: [photo[name][metric] - photo[other][metric] for photo in photos]
        for metric in photos[0][name]
        if metric not in {"bytes", "ms"}
    }
    ratios = [photo[name]["bytes"] / photo[other]["bytes"] for photo in photos]
    return {
        "bytes_ratio": round(statistics.fmean(ratios), 5),
        "bytes_ratio_min": round(min(ratios), 5),
        "bytes_ratio_max": round(max(ratios), 5),
        "mean": {name: round(statistics.fmean(found), 5) for name, found in differences.items()},
        "worst": {name: round(min(found), 5) for name, found in differences.items()},
        "wins": {name: sum(one > 0 for one in found) for name, found in differences.items()},
    }


def print_table(quality: str, part: Mapping[str, Any]) -> None:
    """Print the means of each encoder and the comparisons."""
    print(f"quality {quality}")
    print(f"{'':<18}" + "".join(f"{metric:>18}" for metric in SHOWN))
    for name, row in part["summary"].items():
        print(f"{name:<18}" + "".join(f"{row[metric]:>18.3f}" for metric in SHOWN))
    for name, found in part.items():
        if name != "summary":
            cells = (f"{found['mean'][m]:>+11.3f} ({found['wins'][m]:>4})" for m in SHOWN[1:5])
            print(f"{name:<22} x{found['bytes_ratio']:.4f}    " + "".join(cells))
