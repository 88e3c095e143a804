"""Items through stages that overlap: while some are predicted, others decode, encode or are stored.

A stage has one of four lanes. ``caller``: all that waits goes together, in the thread that calls
`Flow.step`, which is the one that may use the connection to Redis. ``pool``: each item alone, on
threads that all stages of this lane share. ``device``: up to a batch together, on one thread.
``spread``: up to a batch, each item of it alone on the pool's threads, where the device is the
processor. What a thread of the pool has done it goes on with, as far as the next stage is the pool's.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, Literal, TypeVar

from worker.item import Item

Out = TypeVar("Out")

Lane = Literal["caller", "pool", "device", "spread"]
BATCHING: Final = ("device", "spread")
ON_POOL: Final = ("pool", "spread")

# Of the last pass's time: longer than this no batch waits for the photos that still decode.
LINGER_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the way. ``work`` gets the items of its lane and keeps their errors in them."""

    name: str
    work: Callable[[list[Item]], None]
    lane: Lane


@dataclass(eq=False, slots=True)
class Work:
    """Items in a stage; ``started_s`` is on the monotonic clock, None while threads are busy."""

    stage: int
    items: list[Item]
    started_s: float | None = None


class Flow:
    """Takes items in with `put`, and moves them on whenever `step` is called."""

    def __init__(
        self, stages: Sequence[Stage], *, threads: int, max_batch_size: int, max_linger_s: float
    ) -> None:
        self._stages = tuple(stages)
        (self._device_stage,) = (i for i, stage in enumerate(stages) if stage.lane in BATCHING)
        self._threads = threads
        self._waiting: tuple[deque[Item], ...] = tuple(deque() for _ in stages)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="codec")
        self._device = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._running: set[Work] = set()
        self._finished: SimpleQueue[Work] = SimpleQueue()
        self._ended: list[Item] = []
        self._max_batch_size = max_batch_size
        self._max_linger_s = max_linger_s
        self.pass_s = float("inf")  # the last one's; nothing is known of the first
        self._device_ready_s = 0.0  # since when the oldest item waits for the device
        self.open = 0
        self.busy = 0  # pieces of work that the pool's threads have or will have
        self.open_cost_px = 0
        self.ahead = 0  # of the device: how many are not in a pass yet

    def put(self, items: Iterable[Item]) -> None:
        """Take items in; each comes out of `step` once."""
        for item in items:
            self.open += 1
            self.ahead += 1
            self.open_cost_px += item.cost_px
            self._waiting[0].append(item)

    def step(self, timeout_s: float) -> list[Item]:
        """Move on what can be; return the items that have ended, after ``timeout_s`` perhaps none.

        What a stage in the caller's lane raises comes through; its items wait for the next call.
        """
        self._collect(0.0)
        self._start()
        if self._running and not self._ended:
            self._collect(min(timeout_s, self._linger_left_s()))
            self._start()
        ended, self._ended = self._ended, []
        return ended

    def longest_s(self) -> float:
        """Return for how long the slowest of the pieces of work that run now has been running."""
        now_s = time.monotonic()
        started_s = (work.started_s for work in self._running)
        return max((now_s - start_s for start_s in started_s if start_s is not None), default=0.0)

    def aside(self, work: Callable[[], Out]) -> "Future[Out]":
        """Do ``work`` on a thread of its own: the pool's may all be at what it is to be done beside."""
        return self._beside.submit(work)

    def close(self) -> None:
        """Let the threads end."""
        self._device.shutdown()
        self._pool.shutdown()
        self._beside.shutdown()

    def _start(self) -> None:
        # From the end, so that photos leave before others come in.
        order = range(len(self._stages) - 1, -1, -1)
        while any(self._start_stage(number) for number in order):
            pass

    def _start_stage(self, number: int) -> bool:
        """Start or do what a stage can now; return whether there was anything."""
        stage, waiting = self._stages[number], self._waiting[number]
        if not waiting:
            return False
        if stage.lane == "caller":
            items = list(waiting)
            stage.work(items)
            waiting.clear()
            self._move(items, number + 1)
        elif stage.lane == "pool":
            self._submit_each(number, waiting)
            waiting.clear()
        elif self._linger_left_s() > 0:
            return False
        else:
            batch = [waiting.popleft() for _ in range(min(len(waiting), self._max_batch_size))]
            batch[0].batch_size = len(batch)
            self.ahead -= len(batch)
            self._device_ready_s = time.monotonic()
            if stage.lane == "spread":
                self._submit_each(number, batch)
            else:
                self._submit(self._device, number, batch)
        return True

    def _linger_left_s(self) -> float:
        """Return how long the device is still to wait for a fuller batch; for ever while it is busy.

        Nothing while nobody else is on the way: a lone photo waits for no one.
        """
        if self._is_device_busy():
            return float("inf")
        ready = len(self._waiting[self._device_stage])
        if not ready:
            return float("inf")
        if ready >= min(self._max_batch_size, self.ahead):
            return 0.0
        linger_s = min(self._max_linger_s, LINGER_SHARE * self.pass_s)
        return max(0.0, self._device_ready_s + linger_s - time.monotonic())

    def _is_device_busy(self) -> bool:
        # Where the pool's threads are the device, a batch forms while all of them have work.
        if self._stages[self._device_stage].lane == "spread":
            return self.busy >= self._threads
        return any(work.stage == self._device_stage for work in self._running)

    def _submit_each(self, number: int, items: Iterable[Item]) -> None:
        for item in items:
            self.busy += 1
            self._submit(self._pool, number, [item])

    def _submit(self, threads: ThreadPoolExecutor, number: int, items: list[Item]) -> None:
        work = Work(number, items)
        self._running.add(work)
        threads.submit(self._run, work)

    def _run(self, work: Work) -> None:
        self._run_stage(work)
        while self._goes_on(work):
            work.stage += 1
            self._run_stage(work)
        self._finished.put(work)

    def _run_stage(self, work: Work) -> None:
        stage = self._stages[work.stage]
        work.started_s = started_s = time.monotonic()
        try:
            stage.work(work.items)
        except BaseException as error:  # noqa: BLE001
            # Whatever it is: an item that never came back would keep the worker from its queue.
            for item in work.items:
                item.error = error if isinstance(error, Exception) else RuntimeError(repr(error))
        elapsed_s = time.monotonic() - started_s
        for item in work.items:
            item.stage_ms[stage.name] = 1e3 * elapsed_s
        if work.stage == self._device_stage:
            # Of a batch that is spread, by what else the threads have to do.
            shares = self.busy / self._threads if stage.lane == "spread" else 1.0
            self.pass_s = elapsed_s * max(1.0, shares)

    def _goes_on(self, work: Work) -> bool:
        """Return whether the thread that has done a stage does the next one as well.

        It has what that needs in its core's cache, and need not be woken for it.
        """
        lanes = [stage.lane for stage in self._stages[work.stage : work.stage + 2]]
        if lanes[0] not in ON_POOL or lanes[1:] != ["pool"]:
            return False
        (item,) = work.items
        if item.open:
            item.withdrawn = item.overdue
        return item.open

    def _collect(self, timeout_s: float) -> None:
        """Move on what threads have finished; wait for the first of it up to ``timeout_s``."""
        try:
            work = self._finished.get(block=timeout_s > 0, timeout=timeout_s)
            while True:
                self._running.discard(work)
                self.busy -= self._stages[work.stage].lane in ON_POOL
                self._move(work.items, work.stage + 1)
                work = self._finished.get_nowait()
        except Empty:
            return

    def _move(self, items: Iterable[Item], number: int) -> None:
        """Let items wait for a stage; those that have no further one end."""
        for item in items:
            if item.open and number < len(self._stages):
                # Before each stage: work for a client that has left is work taken from others.
                item.withdrawn = item.overdue
            if item.open and number < len(self._stages):
                if number == self._device_stage and not self._waiting[number]:
                    self._device_ready_s = time.monotonic()
                self._waiting[number].append(item)
                continue
            if number <= self._device_stage:
                self.ahead -= 1
            self.open -= 1
            self.open_cost_px -= item.cost_px
            item.let_go()
            self._ended.append(item)
