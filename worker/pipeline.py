"""The stages of a photo in the worker: fetch, decode, predict, encode, store.

Each item keeps its own error, so that a bad image does not affect others. ``worker.flow`` runs the
stages at the same time, each on other photos.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from contract.keys import input_key
from worker.flow import Flow, Stage
from worker.image.decode import decode
from worker.image.encode import prepare_inputs
from worker.image.regions import ClassMaps
from worker.item import Item
from worker.replies import Replies
from worker.result import WithdrawnError, build_result

log = logging.getLogger(__name__)

# Largest batch on a CPU for each thread. Photos of a larger one would wait for these threads, while
# another worker may be idle.
MAX_BATCH_PER_THREAD: Final = 8
# Slow photos that a worker on a CPU takes for each thread beside other photos. Those that wait in the queue
# keep the ones behind them waiting.
MAX_SLOW_PER_THREAD: Final = 4
# How often Redis is asked whether photos that take long are still wanted.
WATCH_INTERVAL_S: Final = 0.2


# A saliency map; and the names, probabilities and maps of the classes, as in ``ClassMaps``.
Prediction: TypeAlias = tuple[
    NDArray[np.float32], tuple[str, ...], NDArray[np.float32], NDArray[np.float32]
]


class Predictor(Protocol):
    """The part of ``model.Predictor`` that the pipeline uses."""

    version: str

    @property
    def side_by_side(self) -> bool:
        """Whether each photo goes through the network alone, several at a time on several threads."""

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return the (height, width) of the network's input for a photo of this size."""

    def device_memory_bytes(self) -> int:
        """Return the memory of a GPU that this process has reserved, 0 on a CPU."""

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the network's input for a photo: (h, w, 3) RGB."""

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> Sequence[Prediction]:
        """Return the prediction for each input."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the pipeline works on at once.

    Up to ``max_batch_size`` photos are in a network pass, as many wait for one, and three times as
    many are open in all stages. ``max_pixels`` limits each photo, ``max_open_pixels`` all open photos
    together; a photo larger than that runs alone.
    """

    max_batch_size: int
    max_open_pixels: int
    max_pixels: int
    max_linger_ms: float


class Pipeline:
    """Takes items by `submit`; `advance` moves them through the stages. Only `advance` uses Redis."""

    def __init__(
        self,
        connection: Redis,
        predictor: Predictor,
        *,
        threads: int,
        limits: Limits,
        result_ttl_s: int,
    ) -> None:
        """Start without items.

        Up to ``threads`` photos are decoded, encoded and, on a CPU, predicted at a time.
        """
        self._connection = connection
        self._predictor = predictor
        self._replies = Replies(connection, ttl_s=result_ttl_s)
        self._threads = threads
        self._in_flight = 0
        # Items whose encode takes so long that their clients may leave meanwhile.
        self._watched: list[Item] = []
        self._watched_s = 0.0
        self._limits = limits
        self._flow = Flow(
            (
                Stage("fetch", self._fetch, "caller"),
                Stage("decode", self._decode, "pool"),
                Stage("predict", self._predict, "pool" if predictor.side_by_side else "device"),
                Stage("encode", self._encode, "pool", is_long=True),
                Stage("store", self._replies.send_results, "caller"),
            ),
            threads=threads,
            max_batch_size=limits.max_batch_size,
            max_linger_s=limits.max_linger_ms / 1e3,
        )

    def submit(self, items: Iterable[Item], *, in_flight: int = 0) -> None:
        """Take items; `advance` returns each of them once.

        ``in_flight`` is how many photos all workers have now, 0 if unknown.
        """
        self._in_flight = in_flight
        items = list(items)
        self._watched += [item for item in items if item.is_slow]
        self._flow.submit(items)

    def advance(self, timeout_s: float) -> list[Item]:
        """Return items that have ended; wait up to ``timeout_s`` for the first.

        An item has ended when it is withdrawn, has an ``error``, or its result has been sent.

        Raises:
            RedisError: when Redis is unavailable; nothing is lost, call again.
        """
        self._withdraw_cancelled()
        ended = self._flow.advance(timeout_s)
        if ended and self._watched:
            gone = {item.job_id for item in ended}
            self._watched = [item for item in self._watched if item.job_id not in gone]
        return ended

    def capacity(self) -> int:
        """Return how many more items may be submitted now.

        On a CPU it is 0 while every thread has a photo and a second one in reserve. Another worker may
        be free for further photos, and taking several from the queue at once is cheaper.
        """
        size = self._limits.max_batch_size
        if self._flow.open_cost_px >= self._limits.max_open_pixels:
            return 0
        if self._predictor.side_by_side:
            # Slow photos do not keep the others waiting, up to a number.
            slow_items = min(self._flow.slow_items, MAX_SLOW_PER_THREAD * self._threads)
            if self._flow.open_items - slow_items >= 2 * self._threads:
                return 0
            size = min(size, MAX_BATCH_PER_THREAD * self._threads)
        return max(0, min(size - self._flow.items_before_pass, 3 * size - self._flow.open_items))

    def fits(self, cost_px: int) -> bool:
        """Return whether items of this cost may be open together with the present ones."""
        total_px = self._flow.open_cost_px + cost_px
        return not self._flow.open_items or total_px <= self._limits.max_open_pixels

    def last_pass_s(self) -> float:
        """Return the duration of the last pass of a device, infinity before the first, 0 without one."""
        return self._flow.last_pass_s

    def device_memory_bytes(self) -> int:
        """Return the memory of a GPU that this process has reserved, 0 on a CPU."""
        return self._predictor.device_memory_bytes()

    def rates_px_per_s(self) -> tuple[float, float]:
        """Return how much work per second all threads do together, and that of a single photo."""
        return self._flow.pace.px_per_s(), self._flow.pace.photo_px_per_s()

    def hangs(self, limit_s: float) -> bool:
        """Return whether a task runs for longer than ``limit_s``, and for far longer than is usual."""
        return self._flow.hangs(limit_s)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._flow.close()

    def _withdraw_cancelled(self) -> None:
        """Withdraw slow items whose input is gone: their clients have left."""
        if not self._watched or time.monotonic() < self._watched_s + WATCH_INTERVAL_S:
            return
        with self._connection.pipeline(transaction=False) as pipeline:
            for item in self._watched:
                pipeline.exists(input_key(item.job_id))
            found = pipeline.execute()
        for item, exists in zip(self._watched, found, strict=True):
            item.withdrawn = item.withdrawn or not exists
        self._watched_s = time.monotonic()

    def _fetch(self, items: list[Item]) -> None:
        started_s = time.time()
        for item in items:
            self._flow.check_deadline(item, 0)
        wanted = [item for item in items if item.is_open]
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
        photo = decode(
            item.data, self._limits.max_pixels, item.request.options, self._predictor.input_size
        )
        item.size_px = photo.size_px
        item.source = photo.source
        item.segments = photo.segments
        item.gain_map = photo.gain_map
        item.uncut_gain_map = photo.uncut_gain_map
        item.crop_px = photo.crop_px
        item.network_input = self._predictor.prepare(photo.image)
        if photo.source is None:
            if item.request.options.format != "avif":  # one of ours may come back as it is
                item.data = None
            item.pixels = np.asarray(photo.image)
        # Where a crop lies is known after the network's pass.
        if self._count_in_flight() == 1 and item.crop_px is None:
            # A single photo leaves cores idle during its network pass. With several photos no core is
            # idle, and preparing inputs early would only take memory.
            item.encode_inputs = self._flow.run_separately(
                partial(prepare_inputs, item.pixels, item.request.options, item.source)
            )

    def _predict(self, items: list[Item]) -> None:
        items[0].batch_size = len(items)
        inputs = [cast("NDArray[np.uint8]", item.network_input) for item in items]
        try:
            predictions = self._predictor.predict(inputs)
        except Exception:
            if len(items) == 1:
                raise
            # The error does not say which input caused it.
            log.exception("a pass over %d photos failed; running them one by one", len(items))
            for item in items:
                self._predict_alone(item)
            return
        for item, prediction in zip(items, predictions, strict=True):
            item.saliency, names, probabilities, maps = prediction
            item.classes = ClassMaps(names, probabilities, maps)

    def _predict_alone(self, item: Item) -> None:
        try:
            self._predict([item])
        except Exception as error:  # noqa: BLE001
            item.error = error

    def _count_in_flight(self) -> int:
        """Return how many photos all workers have, as far as known."""
        return max(1, self._flow.open_items, self._in_flight)

    def _encode(self, items: list[Item]) -> None:
        (item,) = items
        try:
            build_result(item, self._predictor.version)
        except WithdrawnError:
            item.withdrawn = True
