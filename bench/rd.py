"""Rate and distortion: Foveate's encoder beside the standard JPEG of the same bytes."""

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec
from bench import quality as metrics
from bench.machine import describe_machine

Image8 = NDArray[np.uint8]
Map = NDArray[np.float32]
Measures = dict[str, float]

SUFFIXES: Final = (".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp", ".jpg", ".jpeg")
STANDARD: Final = "standard"
# The region is cut from the map here; encoders are given the map itself, never the region.
SALIENT_SHARE: Final = 0.25
SEED: Final = 0
COLUMNS: Final = (
    "bytes_ratio", "psnr_y", "psnr", "psnr_s", "ssim", "ms_ssim", "vifp", "psnr_hvs", "psnr_hvs_m",
    "encode_ms", "passes",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, required=True, help="folder of lossless photos")
    parser.add_argument("--quality", type=int, nargs="+", default=[50, 75])
    parser.add_argument("--strength", type=float, default=0.6, help="of the encoder `foveate`")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument(
        "--maps", type=Path, help="folder of saliency maps, <photo's stem>.npy; else the network's"
    )


def run(args: argparse.Namespace) -> int:
    """Measure every photo, print the table, write the file; return the exit code."""
    photos = sorted(p for p in args.images.iterdir() if p.suffix.lower() in SUFFIXES)
    if not photos:
        print(f"bench rd: no photos in {args.images}", file=sys.stderr)
        return 2
    map_of = read_map(args.maps) if args.maps else predict_map()
    codec.warm_up()
    images: dict[str, Any] = {}
    for path in photos:
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        image, saliency = np.asarray(photo), map_of(path, photo)
        images[path.name] = {
            str(quality): measure_photo(image, saliency, quality, args.strength)
            for quality in args.quality
        }
        print(path.name, file=sys.stderr)
    summary = {str(quality): summarise(images, str(quality)) for quality in args.quality}
    print_table(summary)
    meta = {**describe_machine(), "seed": SEED, "strength": args.strength,
            "salient_share": SALIENT_SHARE, "maps": "files" if args.maps else "model.Predictor"}  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"meta": meta, "summary": summary, "images": images}
    args.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0


def read_map(folder: Path) -> Callable[[Path, Image.Image], Map]:
    """Return a reader of maps that lie beside each other as float32 arrays in [0, 1]."""
    return lambda path, _: np.load(folder / f"{path.stem}.npy").astype(np.float32)


def predict_map() -> Callable[[Path, Image.Image], Map]:
    """Return the network's own maps."""
    from model import Predictor  # noqa: PLC0415 -- torch only where no maps are given

    predictor = Predictor(device="cpu")
    return lambda _, photo: predictor.predict([predictor.prepare(photo)])[0]


def encode_standard(image: Image8, quality: int) -> bytes:
    """Return the standard JPEG: what names the bytes and is the zero of every difference."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


def encoders(
    image: Image8, saliency: Map, quality: int, strength: float
) -> Iterator[tuple[str, Callable[[], tuple[bytes, int]]]]:
    """Give each encoder's name and what makes its bytes and passes."""

    def ours(own_strength: float) -> Callable[[], tuple[bytes, int]]:
        def make() -> tuple[bytes, int]:
            settings = codec.EncodeSettings(quality=quality, strength=own_strength)
            encoded = codec.encode(image, saliency, settings)
            return encoded.jpeg, encoded.passes

        return make

    yield STANDARD, lambda: (encode_standard(image, quality), 0)
    yield "foveate_uniform", ours(0.0)
    yield "foveate", ours(strength)
    yield "foveate_full", ours(1.0)


def measure_photo(
    image: Image8, saliency: Map, quality: int, strength: float
) -> dict[str, Measures]:
    """Return every encoder's measures of one photo."""
    region = metrics.salient_region(scale_map(saliency, image.shape[:2]))
    measured: dict[str, Measures] = {}
    for name, make in encoders(image, saliency, quality, strength):
        started = time.perf_counter()
        jpeg, passes = make()
        encode_ms = (time.perf_counter() - started) * 1000
        reference_bytes = measured.get(STANDARD, {}).get("bytes", len(jpeg))
        measured[name] = {
            "bytes": len(jpeg),
            "bytes_ratio": len(jpeg) / reference_bytes,
            **measure_quality(image, jpeg, region),
            "encode_ms": encode_ms,
            "passes": passes,
        }
    return measured


def scale_map(saliency: Map, shape: Sequence[int]) -> Map:
    """Return the map at the photo's size, smooth."""
    height, width = shape
    scaled = Image.fromarray(saliency).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(scaled)


def measure_quality(image: Image8, jpeg: bytes, region: NDArray[np.bool_]) -> Measures:
    """Return all quality columns of one file; `region` is what psnr_s looks at."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        decoded = np.asarray(opened.convert("RGB"))
    luma, own = metrics.to_luma(image), metrics.to_luma(decoded)
    hvs, hvs_m = metrics.psnr_hvs(luma, own)
    return {
        "psnr_y": metrics.psnr(luma, own),
        "psnr": metrics.psnr(image, decoded),
        "psnr_s": metrics.psnr(luma[region], own[region]),
        "ssim": metrics.ssim(luma, own),
        "ms_ssim": metrics.ms_ssim(luma, own),
        "vifp": metrics.vifp(luma, own),
        "psnr_hvs": hvs,
        "psnr_hvs_m": hvs_m,
    }


def summarise(images: dict[str, Any], quality: str) -> dict[str, Measures]:
    """Return each encoder's means over the photos, and the extremes of its bytes."""
    measured = [photo[quality] for photo in images.values()]
    summary: dict[str, Measures] = {}
    for name in measured[0]:
        rows = [photo[name] for photo in measured]
        summary[name] = {
            column: statistics.fmean(row[column] for row in rows) for column in COLUMNS
        }
        summary[name]["bytes_ratio_min"] = min(row["bytes_ratio"] for row in rows)
        summary[name]["bytes_ratio_max"] = max(row["bytes_ratio"] for row in rows)
    return summary


def print_table(summary: dict[str, dict[str, Measures]]) -> None:
    """Print the standard JPEG's means, and the others as differences to it."""
    width = max(map(len, COLUMNS)) + 1
    for quality, encoders_ in summary.items():
        print(f"quality {quality:<10}" + "".join(f"{column:>{width}}" for column in COLUMNS))
        for name, means in encoders_.items():
            cells = ""
            for column in COLUMNS:
                plain = name == STANDARD or column in ("bytes_ratio", "encode_ms", "passes")
                value = means[column] if plain else means[column] - encoders_[STANDARD][column]
                cells += f"{value:{width}.4f}" if plain else f"{value:+{width}.4f}"
            print(f"{name:<18}{cells}")
