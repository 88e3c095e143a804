"""Measurements in a new process: the memory of one large encode, and the first start.

``python -m bench.encode.process {large,start} …`` prints one JSON object.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.datasets.uploads import tile_photos
from bench.environment import ROOT, read_status_bytes

LARGE_PX: Final = (6000, 4000)


def run_fresh(arguments: Sequence[str], cache: Path | None = None) -> dict[str, Any]:
    """Run a task of this module in a new process; return the JSON object that it prints.

    `cache` is the folder of numba's compiled kernels; None leaves it unchanged.
    """
    environment = dict(os.environ)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    done = subprocess.run(
        [sys.executable, "-m", "bench.encode.process", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure_first_start() -> dict[str, Any]:
    """Return the seconds until all kernels are ready: when compiled, and when loaded from a cache."""
    with tempfile.TemporaryDirectory() as cache:
        compiled = run_fresh(["start"], Path(cache))
        loaded = run_fresh(["start"], Path(cache))
        size = sum(path.stat().st_size for path in Path(cache).rglob("*") if path.is_file())
    return {"compile": compiled, "load": loaded, "cache_bytes": size}


def start() -> dict[str, Any]:
    """Import the encoder and load or compile its kernels; return the seconds of each."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    codec = importlib.import_module("codec")
    imported_s = time.perf_counter() - started_s
    codec.warm_up()
    return {
        "import_s": imported_s,
        "seconds": time.perf_counter() - started_s,
        "cpu_s": time.process_time() - cpu_s,
    }


def encode_large(paths: Sequence[Path], options: dict[str, Any]) -> dict[str, Any]:
    """Encode a mosaic of the photos; return the time, and the peak memory beyond the pixels."""
    codec = importlib.import_module("codec")
    timing = importlib.import_module("bench.encode.timing")
    codec.warm_up()
    mosaic = np.asarray(tile_photos(paths, *LARGE_PX))
    settings, saliency = codec.EncodeSettings(**options), timing.central_map()
    before = reset_peak_bytes()
    started = time.process_time()
    encoded = codec.encode(mosaic, saliency, settings)
    ms = 1e3 * (time.process_time() - started)
    pixels = mosaic.shape[0] * mosaic.shape[1]
    return {
        "ms": ms,
        "passes": encoded.passes,
        "bytes_ratio": len(encoded.jpeg) / encoded.reference_bytes,
        "bytes_per_pixel_above_the_image": ((read_status_bytes("VmHWM") or 0) - before) / pixels,
    }


def reset_peak_bytes() -> int:
    """Reset the peak of the resident set (Linux); return the resident bytes now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return read_status_bytes("VmHWM") or 0
    return read_status_bytes("VmRSS") or 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one task and print its result; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=("large", "start"))
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--photos", type=Path, nargs="+", default=[])
    args = parser.parse_args(argv)
    found = start() if args.task == "start" else encode_large(args.photos, args.options)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
