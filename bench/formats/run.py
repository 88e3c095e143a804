"""A generated matrix of files: ours beside libvips, ImageMagick and FFmpeg.

Each container × depth × colour type × profile × orientation × alpha that it can have. A file is right
if an independent decoder shows the same and no two others agree on something else, or if its
difference is listed as deliberate.
"""

import argparse
import json
import tempfile
from pathlib import Path

from bench.environment import count_cores, describe_machine, write_result
from bench.formats.comparison import compare_all, summarize
from bench.formats.decoders import describe_decoders
from bench.formats.matrix import avif, bmp, gif, heic, jpeg, png, tiff, webp
from bench.formats.matrix.pictures import make_originals

FORMATS = {
    "jpeg": jpeg, "png": png, "webp": webp, "avif": avif, "heic": heic, "gif": gif, "bmp": bmp,
    "tiff": tiff,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS), help="(all)"
    )
    parser.add_argument("--keep", type=Path, help="folder in which the files stay")
    parser.add_argument("--jobs", type=int, default=count_cores(), help="(%(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a difference is not deliberate."""
    decoders = describe_decoders()
    with tempfile.TemporaryDirectory(prefix="foveate-") as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [
            write(folder / file.name, file.data)
            for name in args.formats
            for file in FORMATS[name].make_files()
        ]
        files = [(path, path.name) for path in paths]
        comparisons = list(compare_all(files, args.jobs, make_originals()))
    summary = {
        name: summarize(found for found in comparisons if found.name.startswith(f"{name}-"))
        for name in args.formats
    }
    summary["all"] = summarize(comparisons)
    print(json.dumps(summary, indent=2))
    for comparison in comparisons:
        if comparison.is_open:
            print(json.dumps(comparison.to_json(), ensure_ascii=False))
    meta = {**describe_machine(), "decoders": decoders}
    listed = [comparison.to_json() for comparison in comparisons]
    write_result(args.out, {"meta": meta, "summary": summary, "files": listed})
    return 1 if summary["all"]["open"] else 0


def write(path: Path, data: bytes) -> Path:
    """Write a file; return its path."""
    path.write_bytes(data)
    return path
