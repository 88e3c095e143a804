"""Photos sent through the running service, compared with the standard JPEG of the same bytes.

The salient region is the quarter of the area with the highest values of the heatmap that the service
returns.
"""

import argparse
import email.parser
import email.policy
import io
import statistics
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
from PIL import Image

from bench.datasets.uploads import list_uploads
from bench.encoders import encode_standard
from bench.environment import describe_machine, write_result
from bench.load.service_process import started_service
from bench.metrics.full_reference import psnr, to_luma
from bench.metrics.regions import salient_region
from bench.rd.crops import CROP_PX, crop, locate_crop

# Enlargement of the crops in the pair of pictures.
ZOOM: Final = 3
TIMEOUT_S: Final = 120.0
# Same bytes and baseline scan as the standard JPEG: only the distribution of bits differs.
LIKE_STANDARD: Final = {"target": "size", "progressive": "false"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, required=True, help="folder of lossless photos")
    parser.add_argument("--quality", type=int, default=50, help="(%(default)s)")
    parser.add_argument("--url", help="URL of a running service (default: one is started)")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--pictures", type=Path, help="folder to write pictures of --picture-of to")
    parser.add_argument("--picture-of", nargs="*", default=[], help="stems of the photos to write")


def run(args: argparse.Namespace) -> int:
    """Measure all photos, print the table, write the file; return 1 if bytes differ by over 1 %."""
    paths = list_uploads(args.images)
    if not paths:
        print(f"bench photos: no photos in {args.images}", file=sys.stderr)
        return 2
    images: dict[str, dict[str, float]] = {}
    with nullcontext((args.url, None)) if args.url else started_service() as (url, _):
        for path in paths:
            jpeg, heatmap = compress(url, path, args.quality, "map")
            with Image.open(path) as opened:
                photo = np.asarray(opened.convert("RGB"))
            standard = encode_standard(photo, args.quality)
            images[path.name] = compare(photo, standard, jpeg, heatmap)
            if args.pictures and path.stem in args.picture_of:
                args.pictures.mkdir(parents=True, exist_ok=True)
                _, overlay = compress(url, path, args.quality, "overlay")
                (args.pictures / f"{path.stem}-overlay.jpg").write_bytes(overlay)
                pair = draw_pair(standard, jpeg, heatmap)
                pair.save(args.pictures / f"{path.stem}-pair.png", optimize=True)
    summary = summarise(images)
    print_table(images, summary)
    meta = {**describe_machine(), "quality": args.quality}
    write_result(args.out, {"meta": meta, "summary": summary, "images": images}, indent=1)
    return int(summary["bytes_ratio_max"] > 1.01 or summary["bytes_ratio_min"] < 0.99)


def compress(url: str, path: Path, quality: int, heatmap: str) -> tuple[bytes, bytes]:
    """Return a photo's JPEG and heatmap from the service.

    Raises:
        httpx.HTTPError: the service is not reachable or returns an error.
    """
    response = httpx.post(
        f"{url}/compress",
        params={**LIKE_STANDARD, "quality": quality, "heatmap": heatmap},
        content=path.read_bytes(),
        headers={"Accept": "multipart/mixed"},
        timeout=TIMEOUT_S,
    ).raise_for_status()
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + response.content)
    jpeg, second = (part.get_payload(decode=True) for part in message.iter_parts())
    assert isinstance(jpeg, bytes)
    assert isinstance(second, bytes)
    return jpeg, second


def compare(photo: Any, standard: bytes, jpeg: bytes, heatmap: bytes) -> dict[str, float]:
    """Return the bytes, and both files' PSNR of luma, of the whole photo and the salient region."""
    luma = to_luma(photo)
    with Image.open(io.BytesIO(heatmap)) as opened:
        # A large photo's heatmap is smaller than the photo. Floats avoid equal values after scaling.
        full = opened.convert("F").resize(luma.shape[::-1], Image.Resampling.BICUBIC)
    region = salient_region(np.asarray(full))
    row: dict[str, float] = {"bytes": len(jpeg), "bytes_ratio": len(jpeg) / len(standard)}
    for name, data in (("standard", standard), ("foveate", jpeg)):
        with Image.open(io.BytesIO(data)) as opened:
            decoded = to_luma(np.asarray(opened.convert("RGB")))
        row[f"psnr_y_{name}"] = psnr(luma, decoded)
        row[f"psnr_s_{name}"] = psnr(luma[region], decoded[region])
    return row


def summarise(images: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return means, extremes and the gains over the standard JPEG."""
    rows = list(images.values())
    ratios = [row["bytes_ratio"] for row in rows]
    means = {name: statistics.fmean(row[name] for row in rows) for name in rows[0]}
    return {
        **means,
        "bytes_ratio_min": min(ratios),
        "bytes_ratio_max": max(ratios),
        "psnr_y_gain": means["psnr_y_foveate"] - means["psnr_y_standard"],
        "psnr_s_gain": means["psnr_s_foveate"] - means["psnr_s_standard"],
    }


def print_table(images: dict[str, dict[str, float]], summary: dict[str, float]) -> None:
    """Print each photo's bytes and gains, and their means."""
    print(f"{'photo':<16}{'bytes':>9}{'ratio':>9}{'PSNR-Y':>9}{'PSNR-S':>9}")
    for name, row in [*images.items(), ("mean", summary)]:
        whole = row["psnr_y_foveate"] - row["psnr_y_standard"]
        salient = row["psnr_s_foveate"] - row["psnr_s_standard"]
        print(
            f"{name:<16}{row['bytes']:>9.0f}{row['bytes_ratio']:>9.4f}{whole:>+9.2f}{salient:>+9.2f}"
        )


def draw_pair(standard: bytes, jpeg: bytes, heatmap: bytes) -> Image.Image:
    """Return crops of both files around the map's hottest place, the standard JPEG's on the left."""
    with Image.open(io.BytesIO(heatmap)) as opened:
        corner = locate_crop(np.asarray(opened.convert("L")) / 255)
    side = CROP_PX * ZOOM
    pair = Image.new("RGB", (2 * side + 8, side), "white")
    for number, data in enumerate((standard, jpeg)):
        with Image.open(io.BytesIO(data)) as opened:
            piece = crop(opened.convert("RGB"), corner)
        pair.paste(piece.resize((side, side), Image.Resampling.NEAREST), (number * (side + 8), 0))
    return pair
