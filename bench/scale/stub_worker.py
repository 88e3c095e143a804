"""A real worker without its work: a photo takes SERVICE_S seconds of sleep, and comes back smaller.

Queue, claims, records, stages and replies are the worker's own. Decoding, the network and encoding are
replaced. Started as ``python -m bench.scale.stub_worker --name NAME``, with the worker's settings.
"""

import os
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec
from bench.scale.cluster import SERVICE_VARIABLE
from contract.image_headers.read import read_header
from contract.keys import image_key
from contract.messages import Result
from worker import __main__ as process
from worker import pipeline
from worker.image.decode import Photo
from worker.image.formats.bmp import runs
from worker.item import Item

# Of the default options on photos of 768×512 (bench/results/sizing.json, bytes_out / bytes_in).
KEPT_SHARE: Final = 0.38
END_OF_IMAGE: Final = b"\xff\xd9"
INPUT: Final = np.zeros((8, 8, 3), np.uint8)


class SleepingPredictor:
    """Takes the place of the network: sleeps for each photo."""

    version = "stub"
    arithmetic = "no network"
    side_by_side = True

    def __init__(self, service_s: float) -> None:
        self._service_s = service_s

    def warm_up(self, max_batch_size: int) -> None:
        """Do nothing."""

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return the size of no input."""
        del width_px, height_px
        return INPUT.shape[:2]

    def device_memory_bytes(self) -> int:
        """Return 0."""
        return 0

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return an empty input."""
        del image
        return INPUT

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Any]:
        """Sleep; return no maps."""
        if self._service_s:
            time.sleep(self._service_s * len(batch))
        return [(None, (), None, None) for _ in batch]


def decode(data: bytes, *_: object) -> Photo:
    """Return a photo without pixels, of the size in the header; its upload is kept for `build_result`."""
    header = read_header(data)
    # A photo with a source needs no pixels.
    return Photo(
        Image.new("RGB", (1, 1)),
        (header.width_px, header.height_px),
        source=cast("codec.Source", SimpleNamespace()),
    )


def build_result(item: Item, model_version: str) -> None:
    """Set the result of an item: the beginning of its upload, as a file of the usual size."""
    assert item.data is not None
    kept = item.data[: round(KEPT_SHARE * len(item.data))] + END_OF_IMAGE
    item.release()
    item.result = Result(
        job_id=item.job_id,
        width_px=item.size_px[0],
        height_px=item.size_px[1],
        original_bytes=item.request.original_bytes,
        compressed_bytes=len(kept),
        reference_bytes=len(kept),
        model_version=model_version,
        heatmap_type=None,
        stage_ms=item.stage_ms,
        batch_size=item.batch_size,
        submitted_unix_s=item.request.submitted_unix_s,
        started_unix_s=item.started_unix_s,
    )
    item.blobs = {image_key(item.job_id): kept}


def main() -> int:
    """Run the worker's process with the replacements; return its exit code."""
    service_s = float(os.environ[SERVICE_VARIABLE])

    def replace(module: object, **replaced: object) -> None:
        for name, value in replaced.items():
            setattr(module, name, value)

    replace(pipeline, decode=decode, build_result=build_result, prepare_inputs=lambda *_: None)
    replace(
        process,
        open_predictor=lambda _device: SleepingPredictor(service_s),
        compile_kernels=lambda _report: None,
    )
    replace(codec, warm_up=lambda: None)
    replace(runs, warm_up=lambda: None)
    return process.main()


if __name__ == "__main__":
    sys.exit(main())
