"""CPU time of one photo's encode, in total and by stage, for Foveate, mozjpeg and Pillow.

It is CPU time of the process, so that other load on the machine counts less. Every figure is a
median over several encodes; a first one warms up and does not count.
"""

import importlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final
from unittest import mock

import numpy as np

import codec
from bench.encoders import (
    MOZJPEG_TABLES,
    Map,
    encode_standard,
    find_missing,
    prepare_mozjpeg,
)
from bench.metrics import Picture

# The modules of the encoder that call the stages' functions.
MODULES: Final = ("codec.jpeg.encode", "codec.jpeg.components", "codec.jpeg.file_search")
# The functions that they call and that are timed, by stage.
STAGES: Final = {
    "reference": ("measure_reference",),
    "colour": ("convert_rgb", "convert_grey", "subsample_plane", "is_subsampled"),
    "dct": ("transform",),
    "weights": (*("map_blocks", "mask_blocks", "assemble", "extend_clipped", "set_goal"),),
    "write": ("write_jpeg", "code_script", "write_scans"),
}
# The rest of an encode is mostly the search: sampled passes, trellis passes, choice of scans.
REST: Final = "search"
# Stages that "DCT to bytes" leaves out: the reference's size, and all before the transform.
BEFORE_DCT: Final = ("reference", "colour")
OURS: Final[dict[str, dict[str, Any]]] = {
    "foveate_size": {"target": "size"},
    "foveate_size_progressive": {"target": "size", "progressive": True},
    "foveate_quality": {"target": "quality"},
    "foveate_quality_progressive": {"target": "quality", "progressive": True},
}
"""Options of EncodeSettings by the name in the results."""


def central_map(side: int = 48) -> Map:
    """Return a smooth map with one hot place near the centre. Encode time hardly depends on the map."""
    y, x = np.mgrid[:side, :side] / side
    spot: Map = np.exp(-((y - 0.45) ** 2 + (x - 0.4) ** 2) / 0.1).astype(np.float32)
    return spot


def measure_ours(image: Picture, settings: codec.EncodeSettings, repeats: int) -> dict[str, Any]:
    """Return milliseconds from pixels to bytes, from DCT to bytes and by stage, and the passes."""
    saliency = central_map()
    rows = []
    encoded = codec.encode(image, saliency, settings)
    for _ in range(repeats):
        with timed_stages() as spent_s:
            started = time.process_time()
            encoded = codec.encode(image, saliency, settings)
            total_s = time.process_time() - started
        stages = {stage: 1e3 * own for stage, own in spent_s.items()}
        ms = 1e3 * total_s
        from_dct = ms - sum(stages[stage] for stage in BEFORE_DCT)
        rows.append({"ms": ms, "dct_ms": from_dct, **stages, REST: ms - sum(stages.values())})
    medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    return {
        "ms": medians.pop("ms"),
        "dct_to_bytes_ms": medians.pop("dct_ms"),
        "stages_ms": medians,
        "passes": encoded.passes,
        "bytes": len(encoded.jpeg),
        "bytes_ratio": len(encoded.jpeg) / encoded.reference_bytes,
    }


@contextmanager
def timed_stages() -> Iterator[dict[str, float]]:
    """Yield the CPU seconds of each stage so far; only calls by ``MODULES`` count."""
    modules = [importlib.import_module(name) for name in MODULES]
    spent_s = dict.fromkeys(STAGES, 0.0)

    def time_calls(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            started = time.process_time()
            try:
                return function(*args, **options)
            finally:
                spent_s[stage] += time.process_time() - started

        return run

    with ExitStack() as replaced:
        for stage, names in STAGES.items():
            for name in names:
                for module in modules:
                    if hasattr(module, name):
                        timed = time_calls(stage, getattr(module, name))
                        replaced.enter_context(mock.patch.object(module, name, timed))
        yield spent_s


def measure_writer(write: Callable[[], bytes], repeats: int) -> dict[str, Any]:
    """Return milliseconds and bytes of an encoder that `write` runs."""
    times = []
    jpeg = write()
    for _ in range(repeats):
        started = time.process_time()
        jpeg = write()
        times.append(1e3 * (time.process_time() - started))
    return {"ms": statistics.median(times), "bytes": len(jpeg)}


def prepare_rivals(image: Picture, quality: int) -> dict[str, Callable[[], bytes]]:
    """Return each rival's writer at `quality`, on one thread; mozjpeg only if it is installed."""
    writers: dict[str, Callable[[], bytes]] = {
        "pillow": lambda: encode_standard(image, quality),
        "pillow_progressive": lambda: encode_standard(
            image, quality, optimize=True, progressive=True
        ),
    }
    os.environ["VIPS_CONCURRENCY"] = "1"  # libvips reads this when it is loaded
    if not find_missing(["mozjpeg"]):
        for name, progressive in (("mozjpeg", False), ("mozjpeg_progressive", True)):
            write = prepare_mozjpeg(image, MOZJPEG_TABLES["mozjpeg"], progressive=progressive)
            writers[name] = partial(write, quality)
    return writers
