"""Test suites of other projects: ours beside libvips, ImageMagick and FFmpeg.

A file that an independent decoder reads counts as valid: ours must show the same as one of them, or
refuse it with a reason. The suites are checkouts; ``--print-commands`` says how to get them.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from bench.environment import count_cores, describe_machine, read_revision, write_result
from bench.formats.comparison import Comparison, compare_all, summarize
from bench.formats.decoders import describe_decoders
from contract.images import DEFAULT_MAX_UPLOAD_BYTES

# Repositories of github.com, and what is in them.
SUITES: Final = {
    "lunapaint/pngsuite": "PngSuite: every colour type, depth, filter and ancillary chunk of PNG",
    "AcademySoftwareFoundation/OpenImageIO-images": "libtiffpic: TIFF of each depth and compression",
    "BitMiracle/libtiff.net": "TIFF: fax, layouts, conversions",
    "libsdl-org/libtiff": "libtiff's own tests",
    "image-rs/image-tiff": "TIFF: depths, floats, predictors",
    "haraldk/TwelveMonkeys": "JPEG, TIFF and BMP from bug reports",
    "apache/commons-imaging": "BMP, GIF, PNG and TIFF from bug reports",
    "AOMediaCodec/libavif": "AVIF: depths, grids, sequences, transformations, gain maps",
    "link-u/avif-sample-images": "AVIF: profiles, depths, subsamplings, transformations",
    "nokiatech/heif_conformance": "HEIF: grids, overlays, alpha, bursts",
    "strukturag/libheif": "HEIF: what fuzzing found",
    "bigcat88/pillow_heif": "HEIF of phones, alpha, depths",
    "webmproject/libwebp-test-data": "WebP: lossy and lossless, alpha, odd sizes",
    "ianare/exif-samples": "JPEG of cameras and phones",
    "recurser/exif-orientation-examples": "JPEG of each orientation",
    "drewnoakes/metadata-extractor-images": "all formats, of cameras and phones; ImageTestSuite",
    "Exiv2/exiv2": "metadata of all formats, and what fuzzing found",
    "jsummers/bmpsuite": "BMP: depths, masks, run lengths, damaged files",
    "python-pillow/Pillow": "all formats: bug reports, damaged files, bombs",
    "libvips/libvips": "all formats",
    "lovell/sharp": "all formats: profiles, orientations, alpha",
    "imgproxy/imgproxy": "all formats",
    "ImageMagick/ImageMagick": "all formats",
    "libgd/libgd": "JPEG, PNG, GIF, BMP, WebP, AVIF and HEIF from bug reports",
    "google/wuffs": "GIF, PNG, BMP and JPEG at the edges of their formats",
    "image-rs/image": "all formats",
    "image-rs/image-png": "PNG: animations, damaged files",
    "etemesi254/zune-image": "JPEG, PNG, BMP",
    "libjpeg-turbo/libjpeg-turbo": "JPEG of libjpeg-turbo's tests",
    "google/libultrahdr": "Ultra HDR",
}  # fmt: skip
SUFFIXES: Final = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".avif", ".avifs", ".heic",
    ".heics", ".heif", ".hif", ".gif", ".bmp", ".dib", ".tif", ".tiff",
}  # fmt: skip
LISTED: Final = {"outvoted", "differs", "refused", "agrees with one", "read by ours only"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--folder", type=Path, default=Path("../suites"), help="OWNER/NAME below it (%(default)s)"
    )
    parser.add_argument("--print-commands", action="store_true", help="print how to get the suites")
    parser.add_argument("--suites", nargs="+", metavar="OWNER/NAME", default=list(SUITES))
    parser.add_argument("--suffixes", nargs="+", default=sorted(SUFFIXES), help="(%(default)s)")
    parser.add_argument("--jobs", type=int, default=count_cores(), help="(%(default)s)")
    parser.add_argument(
        "--journal", type=Path, help="file to continue from, with a line for each comparison"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a valid file is shown wrong, or if ours fails."""
    if args.print_commands:
        for name in args.suites:
            print(f"git clone --depth 1 https://github.com/{name} {args.folder / name}")
        return 0
    present = [name for name in args.suites if (args.folder / name).is_dir()]
    if not present:
        print(f"bench suites: no checkouts in {args.folder}", file=sys.stderr)
        return 2
    decoders = describe_decoders()
    files = [
        (path, path.relative_to(args.folder).as_posix())
        for path in find_files([args.folder / name for name in present], set(args.suffixes))
    ]
    comparisons = compare_new(files, args.jobs, args.journal)
    suites = {
        name: {
            "revision": read_revision(args.folder / name),
            **summarize(found for found in comparisons if found.name.startswith(f"{name}/")),
        }
        for name in present
    }
    wrong = [found for found in comparisons if is_wrong(found)]
    summary = {**summarize(comparisons), "wrong": len(wrong)}
    print(json.dumps({**suites, "all": summary}, indent=2))
    for comparison in wrong:
        print(json.dumps(comparison.to_json(), ensure_ascii=False))
    result = {
        "meta": {**describe_machine(), "decoders": decoders},
        "summary": summary,
        "suites": suites,
        "missing": [name for name in args.suites if name not in present],
        "files": [found.to_json() for found in comparisons if found.verdict in LISTED],
    }
    write_result(args.out, result, indent=1)
    return 1 if wrong else 0


def compare_new(files: list[tuple[Path, str]], jobs: int, journal: Path | None) -> list[Comparison]:
    """Return the comparisons of files in their order; those in the journal are not made again."""
    lines = journal.read_text("utf-8").splitlines() if journal and journal.exists() else []
    known = {found.name: found for found in map(Comparison.from_json, map(json.loads, lines))}
    with journal.open("a", encoding="utf-8") if journal else nullcontext() as log:
        for found in compare_all([file for file in files if file[1] not in known], jobs):
            known[found.name] = found
            if log is not None:
                print(json.dumps(found.to_json(), ensure_ascii=False), file=log, flush=True)
    return [known[name] for _, name in files]


def is_wrong(comparison: Comparison) -> bool:
    """Return whether ours shows a valid file as no other decoder does, or fails."""
    return comparison.is_fault or (comparison.is_open and comparison.verdict != "refused")


def find_files(folders: list[Path], suffixes: set[str]) -> Iterator[Path]:
    """Yield the images of some folders, each content once; without those too large to upload."""
    known = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() not in suffixes or not path.is_file():
                continue
            if path.stat().st_size > DEFAULT_MAX_UPLOAD_BYTES:
                continue
            digest = hashlib.sha256(path.read_bytes()).digest()
            if digest not in known:
                known.add(digest)
                yield path
