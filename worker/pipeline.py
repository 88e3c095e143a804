"""The way of a batch through the worker: fetch, decode, predict, encode, store.

Errors are kept per item, so that a bad image never hurts its neighbours.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from contract.keys import heatmap_key, image_key, input_key
from contract.messages import Request, Result
from worker.decode import decode
from worker.encode import encode, read_upright
from worker.heatmap import render_map, render_overlay
from worker.replies import send_result

log = logging.getLogger(__name__)

T = TypeVar("T")


class Predictor(Protocol):
    """What the pipeline needs of ``model.Predictor``."""

    version: str

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the network's input for a photo."""

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return one saliency map for each input."""


@dataclass(slots=True)
class Item:
    """One job on its way; what a stage has used up it lets go of, photos are large."""

    job_id: str
    request: Request
    batch_size: int = 0
    stage_ms: dict[str, float] = field(default_factory=dict)
    data: bytes | None = None
    # Of an upload that may be encoded from its own coefficients; such data is kept until then.
    orientation: int | None = None
    # Metadata that is kept, as segments of the JPEG.
    segments: bytes = b""
    pixels: NDArray[np.uint8] | None = None
    network_input: NDArray[np.uint8] | None = None
    saliency: NDArray[np.float32] | None = None
    result: Result | None = None
    error: Exception | None = None
    # Nobody waits any more: the client left, its deadline passed, or it has its answer already.
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        """Whether further stages have anything to do for this item."""
        return self.error is None and not self.withdrawn


class Pipeline:
    """Runs batches through the stages; the stages of one item never run at the same time."""

    def __init__(
        self,
        connection: Redis,
        predictor: Predictor,
        *,
        threads: int,
        max_pixels: int,
        result_ttl_s: int,
    ) -> None:
        self._connection = connection
        self._predictor = predictor
        self._max_pixels = max_pixels
        self._result_ttl_s = result_ttl_s
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="codec")

    def run(self, items: Sequence[Item]) -> Iterator[Item]:
        """Take ``items`` through all stages as one batch; yield each as soon as it has ended.

        A yielded item is withdrawn, has an ``error``, or its result is stored and replied.
        """
        if items:
            items[0].batch_size = len(items)
        self._fetch(items)
        self._on_pool("decode", self._decode, items)
        self._predict([item for item in items if item.open])
        encoding = {
            self._pool.submit(self._timed, "encode", self._encode, item): item
            for item in items
            if item.open
        }
        yield from (item for item in items if not item.open)
        for future in as_completed(encoding):
            yield self._stored(future, encoding[future])

    def close(self) -> None:
        """Let the pool's threads end."""
        self._pool.shutdown()

    def _fetch(self, items: Sequence[Item]) -> None:
        started_s = time.time()
        raw = cast(
            "list[bytes | None]", self._connection.mget([input_key(item.job_id) for item in items])
        )
        for item, data in zip(items, raw, strict=True):
            item.data = data
            item.withdrawn = data is None or item.request.deadline_unix_s < started_s
            item.stage_ms["queue"] = max(0.0, 1e3 * (started_s - item.request.submitted_unix_s))

    def _decode(self, item: Item) -> None:
        assert item.data is not None
        photo = decode(item.data, self._max_pixels, item.request.options)
        item.orientation = photo.orientation
        item.segments = photo.segments
        if photo.orientation is None:
            item.data = None
        item.network_input = self._predictor.prepare(photo.image)
        item.pixels = np.asarray(photo.image)

    def _predict(self, items: Sequence[Item]) -> None:
        if not items:
            return
        started_s = time.perf_counter()
        inputs = [cast("NDArray[np.uint8]", item.network_input) for item in items]
        try:
            maps = self._predictor.predict(inputs)
        except Exception as error:
            if len(items) == 1:
                items[0].error = error
                return
            # Which of the inputs broke the pass can't be told; alone, each answers for itself.
            log.exception("a pass over %d inputs failed; running them singly", len(items))
            for item in items:
                self._predict([item])
            return
        elapsed_ms = 1e3 * (time.perf_counter() - started_s)
        for item, saliency in zip(items, maps, strict=True):
            item.network_input = None
            item.saliency = saliency
            item.stage_ms["predict"] = elapsed_ms

    def _encode(self, item: Item) -> dict[str, bytes]:
        assert item.pixels is not None
        assert item.saliency is not None
        options = item.request.options
        source = None
        if item.data is not None and item.orientation is not None:
            source = read_upright(item.data, item.orientation, item.pixels)
        encoded = encode(
            item.pixels, item.saliency, options, source, segments=item.segments, upload=item.data
        )
        height_px, width_px = item.pixels.shape[:2]
        heatmap: tuple[bytes, str] | None = None
        if options.heatmap == "map":
            heatmap = render_map(item.saliency, (width_px, height_px))
        elif options.heatmap == "overlay":
            heatmap = render_overlay(item.saliency, item.pixels)
        passthrough = encoded.jpeg == item.data
        item.pixels = item.data = None
        item.result = Result(
            job_id=item.job_id,
            width_px=width_px,
            height_px=height_px,
            original_bytes=item.request.original_bytes,
            compressed_bytes=len(encoded.jpeg),
            reference_bytes=encoded.reference_bytes,
            model_version=self._predictor.version,
            heatmap_type=heatmap[1] if heatmap else None,
            stage_ms=item.stage_ms,
            batch_size=item.batch_size,
            passthrough=passthrough,
        )
        blobs = {image_key(item.job_id): encoded.jpeg}
        if heatmap:
            blobs[heatmap_key(item.job_id)] = heatmap[0]
        return blobs

    def _stored(self, encoding: "Future[dict[str, bytes]]", item: Item) -> Item:
        try:
            blobs = encoding.result()
            assert item.result is not None
            send_result(
                self._connection, item.request.reply_to, item.result, blobs, self._result_ttl_s
            )
        except Exception as error:  # noqa: BLE001
            item.error = error
        return item

    def _on_pool(self, stage: str, work: Callable[[Item], None], items: Sequence[Item]) -> None:
        futures = {
            self._pool.submit(self._timed, stage, work, item): item for item in items if item.open
        }
        for future, item in futures.items():
            item.error = future.exception()  # type: ignore[assignment]

    @staticmethod
    def _timed(stage: str, work: Callable[[Item], T], item: Item) -> T:
        started_s = time.perf_counter()
        try:
            return work(item)
        finally:
            item.stage_ms[stage] = 1e3 * (time.perf_counter() - started_s)
