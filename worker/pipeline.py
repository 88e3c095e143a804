"""The stages of a photo in the worker: fetch, decode, predict, encode, store.

Each item keeps its own error, so that a bad image does not affect others. Stages overlap
(``worker.flow``): while the network works on one batch, other photos are decoded, encoded or stored.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from contract.keys import input_key
from worker.flow import Flow, Stage
from worker.image.decode import decode
from worker.image.encode import prepare_inputs
from worker.item import Item
from worker.replies import Replies
from worker.result import build_result

log = logging.getLogger(__name__)

# The largest batch on a CPU, for each thread: photos of a larger one would wait here, while another
# worker may be idle.
MAX_BATCH_PER_THREAD: Final = 8


class Predictor(Protocol):
    """The part of ``model.Predictor`` that the pipeline uses."""

    version: str

    @property
    def side_by_side(self) -> bool:
        """Whether the photos of a batch go through the network singly, on several threads."""

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the network's input for a photo."""

    def predict(
        self, batch: Sequence[NDArray[np.uint8]], threads: int | None = None
    ) -> list[NDArray[np.float32]]:
        """Return one saliency map for each input; on a CPU a pass uses ``threads`` threads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the pipeline works on at once.

    Up to ``max_batch_size`` photos go through the network together, and as many wait for it; up to
    three times as many are open in all stages. ``max_pixels`` limits one photo, ``max_open_pixels``
    all open ones together; a photo larger than that runs alone.
    """

    max_batch_size: int
    max_open_pixels: int
    max_pixels: int
    max_linger_ms: float = 0.0


class Pipeline:
    """Takes items by `submit`; `advance` moves them on. Only `advance` uses Redis."""

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
        """Begin without items.

        Up to ``threads`` photos are decoded, encoded and, on a CPU, predicted at a time. The network
        pass of a single photo uses up to ``pass_threads`` threads of torch, by default ``threads``.
        """
        self._connection = connection
        self._predictor = predictor
        self._replies = Replies(connection, ttl_s=result_ttl_s)
        self._threads = threads
        self._pass_threads = pass_threads or threads
        self._in_flight = 0
        self._limits = limits
        self._flow = Flow(
            (
                Stage("fetch", self._fetch, "caller"),
                Stage("decode", self._decode, "pool"),
                Stage("predict", self._predict, "spread" if predictor.side_by_side else "device"),
                Stage("encode", self._encode, "pool"),
                Stage("store", self._replies.send_results, "caller"),
            ),
            threads=threads,
            max_batch_size=limits.max_batch_size,
            max_linger_s=limits.max_linger_ms / 1e3,
        )

    def submit(self, items: Iterable[Item], *, in_flight: int = 0) -> None:
        """Take items; `advance` returns each of them once.

        ``in_flight`` is how many photos all workers have now, 0 where that is unknown.
        """
        self._in_flight = in_flight
        self._flow.submit(items)

    def advance(self, timeout_s: float) -> list[Item]:
        """Return items that have ended; wait up to ``timeout_s`` for the first.

        An ended item is withdrawn, or has an ``error``, or its result is stored and replied.

        Raises:
            RedisError: when Redis is unavailable; nothing is lost, call again.
        """
        return self._flow.advance(timeout_s)

    def capacity(self) -> int:
        """Return how many more items may be submitted now.

        On a CPU it is 0 while every thread has a photo and a next one: another worker might start
        further photos at once, and several photos at a time are cheaper to take from the queue.
        """
        size = self._limits.max_batch_size
        if self._flow.open_cost_px >= self._limits.max_open_pixels:
            return 0
        if self._predictor.side_by_side:
            if self._flow.open >= 2 * self._threads:
                return 0
            size = min(size, MAX_BATCH_PER_THREAD * self._threads)
        return max(0, min(size - self._flow.before_device, 3 * size - self._flow.open))

    def fits(self, cost_px: int) -> bool:
        """Return whether items of this cost may be open beside the present ones."""
        total_px = self._flow.open_cost_px + cost_px
        return not self._flow.open or total_px <= self._limits.max_open_pixels

    def last_pass_s(self) -> float:
        """Return how long the last network pass took, infinity before the first."""
        return self._flow.pass_s

    def longest_running_s(self) -> float:
        """Return how long the oldest piece of work that runs now has been running."""
        return self._flow.longest_running_s()

    def close(self) -> None:
        """Wait for the threads to end."""
        self._flow.close()

    def _fetch(self, items: list[Item]) -> None:
        started_s = time.time()
        for item in items:
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
        if self._count_in_flight() == 1:
            # A single photo leaves cores idle during its network pass. With several photos all cores
            # are busy, and inputs that are prepared early only take memory.
            item.encode_inputs = self._flow.run_separately(
                partial(
                    prepare_inputs,
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
            # The error does not say which input caused it.
            log.exception("a pass over %d photos failed; they run singly now", len(items))
            for item in items:
                self._predict_alone(item)
            return
        for item, saliency in zip(items, maps, strict=True):
            item.network_input = None
            item.saliency = saliency

    def _predict_alone(self, item: Item) -> None:
        item.batch_size = 1
        try:
            self._predict([item])
        except Exception as error:  # noqa: BLE001
            item.error = error

    def _share_threads(self) -> int | None:
        """Return how many threads a pass gets on a CPU: its share of all but one.

        With more threads than cores, threads wait for each other at every layer. One core is left
        for Redis, the front end and this worker's main thread.
        """
        if not self._predictor.side_by_side:
            return None
        return max(1, (self._pass_threads - 1) // self._count_in_flight())

    def _count_in_flight(self) -> int:
        """Return how many photos this worker has, and the other workers as far as known."""
        return max(1, self._flow.open, self._in_flight)

    def _encode(self, items: list[Item]) -> None:
        (item,) = items
        build_result(item, self._predictor.version)
