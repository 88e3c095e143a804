"""The way of a photo through the worker: fetch, decode, predict, encode, store.

Errors are kept per item, so that a bad image never hurts its neighbours. Stages overlap
(``worker.flow``): while one batch is on the network, others decode, encode and are stored.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from contract.keys import heatmap_key, image_key, input_key
from contract.messages import Result
from worker.flow import Flow, Stage
from worker.image.decode import decode
from worker.image.encode import encode, lay_groundwork
from worker.image.heatmap import render_map, render_overlay
from worker.item import Item
from worker.replies import send_results

log = logging.getLogger(__name__)

# Photos for each thread that are taken together on a CPU: more would wait here while others idle.
MOST_AT_A_TIME = 8


class Predictor(Protocol):
    """What the pipeline needs of ``model.Predictor``."""

    version: str

    @property
    def side_by_side(self) -> bool:
        """Whether photos go through the network each by itself, on as many threads as one likes."""

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the network's input for a photo."""

    def predict(
        self, batch: Sequence[NDArray[np.uint8]], threads: int | None = None
    ) -> list[NDArray[np.float32]]:
        """Return one saliency map for each input; ``threads`` are those of a pass on a CPU."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is on its way at once.

    Up to ``max_batch_size`` photos go through the network together, and as many wait for it; up
    to three times as many are open in all, in every stage. ``max_pixels`` is one photo's, and
    ``max_open_pixels`` that of all open ones together; a photo larger than that runs alone.
    """

    max_batch_size: int
    max_open_pixels: int
    max_pixels: int
    max_linger_ms: float = 0.0


class Pipeline:
    """Takes items in with `put`; `step` moves them on, and is the only one that uses Redis."""

    def __init__(
        self,
        connection: Redis,
        predictor: Predictor,
        *,
        threads: int,
        limits: Limits,
        result_ttl_s: int,
        pass_threads: int | None = None,
    ) -> None:
        """Begin with nothing.

        ``threads`` photos are decoded and encoded at a time, and on a CPU go through the network;
        a lone one's pass has up to ``pass_threads`` of torch's, by default as many.
        """
        self._connection = connection
        self._predictor = predictor
        self._threads = threads
        self._pass_threads = pass_threads or threads
        self._under_way = 0
        self._limits = limits
        self._result_ttl_s = result_ttl_s
        self.stages = (
            Stage("fetch", self._fetch, "caller"),
            Stage("decode", self._decode, "pool"),
            Stage("predict", self._predict, "spread" if predictor.side_by_side else "device"),
            Stage("encode", self._encode, "pool"),
            Stage("store", self._store, "caller"),
        )
        self._flow = Flow(
            self.stages,
            threads=threads,
            max_batch_size=limits.max_batch_size,
            max_linger_s=limits.max_linger_ms / 1e3,
        )

    def put(self, items: Iterable[Item], *, under_way: int = 0) -> None:
        """Take items in; each comes out of `step` once.

        ``under_way`` says how many photos all workers have together now, where that is known.
        """
        self._under_way = under_way
        self._flow.put(items)

    def step(self, timeout_s: float) -> list[Item]:
        """Return items that have ended, perhaps none after ``timeout_s``.

        An ended item is withdrawn, has an ``error``, or its result is stored and replied.

        Raises:
            RedisError: when a stage could not reach Redis; nothing is lost, call again.
        """
        return self._flow.step(timeout_s)

    def room(self) -> int:
        """Return how many more items may be put in now.

        Where the threads are the device, none while each of them has one and a next one: others
        might begin with it at once, and several at a time cost less.
        """
        size = self._limits.max_batch_size
        if self._flow.open_cost_px >= self._limits.max_open_pixels:
            return 0
        if self._predictor.side_by_side:
            if self._flow.open >= 2 * self._threads:
                return 0
            size = min(size, MOST_AT_A_TIME * self._threads)
        return max(0, min(size - self._flow.ahead, 3 * size - self._flow.open))

    def fits(self, cost_px: int) -> bool:
        """Return whether items of this cost fit beside what is open; beside nothing anything does."""
        total_px = self._flow.open_cost_px + cost_px
        return not self._flow.open or total_px <= self._limits.max_open_pixels

    def last_pass_s(self) -> float:
        """Return how long the network took for the last batch, infinity before the first."""
        return self._flow.pass_s

    def longest_s(self) -> float:
        """Return for how long the slowest of what runs now has been running."""
        return self._flow.longest_s()

    def close(self) -> None:
        """Let the threads end."""
        self._flow.close()

    def _fetch(self, items: list[Item]) -> None:
        started_s = time.time()
        for item in items:
            # Before its bytes are asked for: an overdue one costs nothing more.
            item.withdrawn = item.overdue
        wanted = [item for item in items if item.open]
        if not wanted:
            return
        raw = cast(
            "list[bytes | None]", self._connection.mget([input_key(item.job_id) for item in wanted])
        )
        for item, data in zip(wanted, raw, strict=True):
            item.data = data
            item.withdrawn = data is None
            item.stage_ms["queue"] = max(0.0, 1e3 * (started_s - item.request.submitted_unix_s))

    def _decode(self, items: list[Item]) -> None:
        (item,) = items
        assert item.data is not None
        photo = decode(item.data, self._limits.max_pixels, item.request.options)
        item.orientation = photo.orientation
        item.segments = photo.segments
        if photo.orientation is None:
            item.data = None
        item.network_input = self._predictor.prepare(photo.image)
        item.pixels = np.asarray(photo.image)
        if self._crowd() == 1:
            # Alone, a photo leaves cores idle while the network is at it. In company all have
            # work, and what is made ahead of time only lies in memory.
            item.groundwork = self._flow.aside(
                partial(
                    lay_groundwork,
                    item.pixels,
                    item.request.options,
                    upload=item.data,
                    orientation=item.orientation,
                )
            )

    def _predict(self, items: list[Item]) -> None:
        inputs = [cast("NDArray[np.uint8]", item.network_input) for item in items]
        try:
            maps = self._predictor.predict(inputs, self._share_threads())
        except Exception:
            if len(items) == 1:
                raise
            # Which of the inputs broke the pass can't be told; alone, each answers for itself.
            log.exception("a pass over %d inputs failed; running them singly", len(items))
            for item in items:
                self._predict_alone(item)
            return
        for item, saliency in zip(items, maps, strict=True):
            item.network_input = None
            item.saliency = saliency

    def _share_threads(self) -> int | None:
        """Return how many threads a photo's pass gets on a CPU: its share of all but one.

        More of them than have a core would wait for one another at every layer; one is left to
        what is never idle, here and in the front end.
        """
        if not self._predictor.side_by_side:
            return None
        return max(1, (self._pass_threads - 1) // self._crowd())

    def _crowd(self) -> int:
        """Return how many photos are under way, here and as far as is known in other workers."""
        return max(1, self._flow.open, self._under_way)

    def _predict_alone(self, item: Item) -> None:
        item.batch_size = 1
        try:
            self._predict([item])
        except Exception as error:  # noqa: BLE001
            item.error = error

    def _encode(self, items: list[Item]) -> None:
        (item,) = items
        assert item.pixels is not None
        assert item.saliency is not None
        options = item.request.options
        groundwork = (
            item.groundwork.result()
            if item.groundwork
            else lay_groundwork(
                item.pixels, options, upload=item.data, orientation=item.orientation
            )
        )
        encoded = encode(
            item.pixels,
            item.saliency,
            options,
            groundwork,
            segments=item.segments,
            upload=item.data,
        )
        height_px, width_px = item.pixels.shape[:2]
        heatmap: tuple[bytes, str] | None = None
        if options.heatmap == "map":
            heatmap = render_map(item.saliency, (width_px, height_px))
        elif options.heatmap == "overlay":
            heatmap = render_overlay(item.saliency, item.pixels)
        passthrough = encoded.jpeg == item.data
        item.let_go()
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
        item.blobs = {image_key(item.job_id): encoded.jpeg}
        if heatmap:
            item.blobs[heatmap_key(item.job_id)] = heatmap[0]

    def _store(self, items: list[Item]) -> None:
        send_results(self._connection, items, self._result_ttl_s)
