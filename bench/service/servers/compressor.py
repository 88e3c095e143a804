"""Foveate's model and encoder, used as in its worker, for every rival server."""

import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec
from bench.service.servers.journal import Batch, Record, open_journal
from model import open_predictor

MAX_BATCH_SIZE: Final = 16
# The worker's own default for lingering.
MAX_WAIT_MS: Final = 10
# With several processes, one batch of all 16 clients' photos would leave the other processes idle.
SHARED_BATCH_SIZE: Final = 8
# The worker's: a thread that waits for the interpreter requests it after this time.
SWITCH_INTERVAL_S: Final = 0.0005
OPTIONS_VARIABLE: Final = "FOVEATE_BENCH_OPTIONS"
WORKERS_VARIABLE: Final = "FOVEATE_BENCH_WORKERS"


@dataclass(slots=True)
class Photo:
    """A decoded upload."""

    network_input: NDArray[np.uint8]
    source: codec.Source | None = None
    pixels: NDArray[np.uint8] | None = None
    """None where there is a source."""


class Compressor:
    """Compresses uploads; decodes and encodes on this process's share of the cores."""

    def __init__(
        self,
        options: str | None = None,
        *,
        threads: int | None = None,
        record: Record | None = None,
        device: str = "auto",
    ) -> None:
        """Load the model and compile the encoder.

        Args:
            options: query of ``/compress``; None reads `OPTIONS_VARIABLE`.
            threads: for decoding and encoding; None shares the cores among the server's processes.
            record: is called with every batch; None writes to the journal, if there is one.
            device: of the network, as `open_predictor` takes it.
        """
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._record = record or open_journal()
        query = os.environ.get(OPTIONS_VARIABLE, "") if options is None else options
        self._settings = parse_settings(query)
        self._predictor = open_predictor(device)
        self._predictor.warm_up(MAX_BATCH_SIZE)
        codec.warm_up()
        threads = threads or -(-(os.cpu_count() or 1) // count_workers())
        self._apply = map if threads == 1 else ThreadPoolExecutor(threads).map

    def compress(self, uploads: Sequence[bytes]) -> list[bytes]:
        """Return the JPEGs of a batch of uploads."""
        photos, decode_ms = zip(*self._apply(timed(self.decode), uploads), strict=True)
        maps, predict_ms = timed(self.predict)(photos)
        jpegs, encode_ms = zip(*self._apply(timed(self.encode), photos, maps), strict=True)
        self._record(
            Batch(os.getpid(), time.monotonic(), list(decode_ms), predict_ms, list(encode_ms))
        )
        return list(jpegs)

    def decode(self, data: bytes) -> Photo:
        """Return a decoded upload with its input for the network; of a JPEG, its coefficients."""
        try:
            source = codec.read_source(data)
        except codec.UnreadableSourceError:
            return self.decode_pixels(data)
        height_px, width_px = self._predictor.input_size(source.width, source.height)
        preview = Image.fromarray(codec.render_preview(source, (width_px, height_px)))
        return Photo(self._predictor.prepare(preview), source)

    def decode_pixels(self, data: bytes) -> Photo:
        """Return an upload that is encoded from its pixels."""
        image: Image.Image = Image.open(io.BytesIO(data))
        image.load()
        if image.mode != "RGB":
            image = image.convert("RGB")
        return Photo(self._predictor.prepare(image), pixels=np.asarray(image))

    def predict(self, photos: Sequence[Photo]) -> list[NDArray[np.float32]]:
        """Return the photos' saliency maps: by one pass, or on a CPU by one pass each, side by side."""
        inputs = [photo.network_input for photo in photos]
        if not self._predictor.side_by_side:
            return [each.saliency for each in self._predictor.predict(inputs)]
        return list(self._apply(lambda one: self._predictor.predict([one])[0].saliency, inputs))

    def encode(self, photo: Photo, saliency: NDArray[np.float32]) -> bytes:
        """Return the JPEG of a photo; a JPEG upload is encoded from its coefficients."""
        if photo.source is not None:
            return codec.transcode(photo.source, None, saliency, self._settings).jpeg
        assert photo.pixels is not None
        return codec.encode(photo.pixels, saliency, self._settings).jpeg


def count_workers() -> int:
    """Return how many processes of the server shall run the encoder."""
    return int(os.environ.get(WORKERS_VARIABLE, "1"))


def choose_batch_size() -> int:
    """Return the largest batch of one process."""
    return MAX_BATCH_SIZE if count_workers() == 1 else SHARED_BATCH_SIZE


def timed(work: Callable[..., Any]) -> Callable[..., tuple[Any, float]]:
    """Return a function that returns the result of ``work`` and its time in ms."""

    def run(*given: Any) -> tuple[Any, float]:
        started_s = time.perf_counter()
        result = work(*given)
        return result, 1e3 * (time.perf_counter() - started_s)

    return run


def parse_settings(query: str) -> codec.EncodeSettings:
    """Return the encoder's settings for a query of ``/compress``, with the service's defaults."""
    given = dict(parse_qsl(query))
    return codec.EncodeSettings(
        quality=int(given.get("quality", 75)),
        target="size" if given.get("target") == "size" else "quality",
        strength=float(given.get("strength", 0.6)),
        progressive=given.get("progressive", "true") == "true",
    )
