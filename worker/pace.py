"""Measures how fast a worker's stages do their work, which counts in pixels (``contract.work``)."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from worker.item import Item

# The rate of one thread before the first photo: twice that of bench/results/sizing.json (71 ms per
# megapixel). Too high a rate accepts photos that will be late; too low a one refuses photos.
FIRST_PX_PER_S: Final = 28e6
# It counts as this much measured time of each stage, so the first photos replace it.
FIRST_WEIGHT_S: Final = 0.01
# Measured times of each thread are halved when they exceed this sum, so that recent ones count more.
MEMORY_S: Final = 6.0


class Pace:
    """The time that each stage takes for a pixel of work, as a mean of the last seconds of work.

    Times are those of busy threads, so that idle threads do not make a worker look slow. ``lanes``
    has the lane of each stage (``worker.flow``): stages on the pool share ``threads`` threads, the
    device has one, and stages of the caller do not count.
    """

    def __init__(self, lanes: Sequence[str], threads: int) -> None:
        self._threads = {"pool": threads, "device": 1}
        self._lanes = tuple(lanes)
        self._timed = [number for number, lane in enumerate(lanes) if lane in self._threads]
        self._busy_s = dict.fromkeys(self._timed, FIRST_WEIGHT_S)
        first_px = FIRST_WEIGHT_S * len(self._timed) * FIRST_PX_PER_S
        self._work_px = dict.fromkeys(self._timed, first_px)
        # Stages are observed on their threads.
        self._lock = Lock()

    def observe(self, stage: int, items: Sequence[Item], elapsed_s: float) -> None:
        """Record that a thread has finished a stage of ``items``.

        Failed items do not count: a damaged photo ends at once, whatever the pixels in its header.
        """
        work_px = sum(item.work_px for item in items if item.error is None)
        if not work_px:
            return
        with self._lock:
            self._busy_s[stage] += elapsed_s
            self._work_px[stage] += work_px
            if self._busy_s[stage] > MEMORY_S * self._threads[self._lanes[stage]]:
                self._busy_s[stage] /= 2
                self._work_px[stage] /= 2

    def remaining_s(self, item: Item, stage: int) -> float:
        """Return the time that an item takes from the start of ``stage`` to its end without waiting."""
        return sum(self.stage_s(item, number) for number in self._timed if number >= stage)

    def stage_s(self, item: Item, stage: int) -> float:
        """Return the time that an item takes in one timed stage."""
        return item.work_px * self._s_per_px(stage)

    def photo_px_per_s(self) -> float:
        """Return the rate of a photo that waits for no other."""
        return 1.0 / sum(map(self._s_per_px, self._timed))

    def px_per_s(self) -> float:
        """Return the rate of all photos together when all threads are busy."""
        device = [number for number in self._timed if self._lanes[number] == "device"]
        pool = [number for number in self._timed if self._lanes[number] != "device"]
        return min(
            self._threads[self._lanes[stages[0]]] / sum(map(self._s_per_px, stages))
            for stages in (device, pool)
            if stages
        )

    def _s_per_px(self, stage: int) -> float:
        return self._busy_s[stage] / self._work_px[stage]
