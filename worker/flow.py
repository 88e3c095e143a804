"""Items through stages that overlap: while some are predicted, others are decoded, encoded or stored.

A stage runs in one of four lanes:

- ``caller``: all waiting items together, in the thread that calls `Flow.advance`. Only that thread
  uses the connection to Redis.
- ``pool``: each item alone, on a pool of threads that all stages of this lane share.
- ``device``: up to a batch of items together, on one thread.
- ``spread``: up to a batch, each item alone on the pool. This is for a network on the CPU.

A pool thread continues with its item in the next stage when that one is in the pool's lane too.
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

# A batch waits for further photos for at most this share of the last pass.
LINGER_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; ``work`` gets as many items as its lane says and stores their errors in them."""

    name: str
    work: Callable[[list[Item]], None]
    lane: Lane


@dataclass(eq=False, slots=True)
class Work:
    """Items in a stage; ``started_s`` is monotonic time, None until a thread is free."""

    stage: int
    items: list[Item]
    started_s: float | None = None


class Flow:
    """Takes items by `submit`; each call of `advance` moves them on."""

    def __init__(
        self, stages: Sequence[Stage], *, threads: int, max_batch_size: int, max_linger_s: float
    ) -> None:
        self._stages = tuple(stages)
        (self._device_stage,) = (i for i, stage in enumerate(stages) if stage.lane in BATCHING)
        self._threads = threads
        self._waiting: tuple[deque[Item], ...] = tuple(deque() for _ in stages)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="codec")
        self._device = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._separate = ThreadPoolExecutor(1, thread_name_prefix="separate")
        self._running: set[Work] = set()
        self._finished: SimpleQueue[Work] = SimpleQueue()
        self._ended: list[Item] = []
        self._max_batch_size = max_batch_size
        self._max_linger_s = max_linger_s
        # When the oldest item that waits for the device began to wait.
        self._device_ready_s = 0.0
        self.pass_s = float("inf")  # duration of the last pass; unknown before the first
        self.open = 0  # items in all stages
        self.open_cost_px = 0
        self.before_device = 0  # items that are in no pass yet
        self.busy = 0  # pieces of work that the pool runs or has queued

    def submit(self, items: Iterable[Item]) -> None:
        """Take items; `advance` returns each of them once."""
        for item in items:
            self.open += 1
            self.before_device += 1
            self.open_cost_px += item.cost_px
            self._waiting[0].append(item)

    def advance(self, timeout_s: float) -> list[Item]:
        """Start what can start; return items that have ended, waiting up to ``timeout_s`` for one.

        An error of a stage in the caller's lane is raised; its items wait for the next call.
        """
        self._collect(0.0)
        self._start()
        if self._running and not self._ended:
            self._collect(min(timeout_s, self._linger_left_s()))
            self._start()
        ended, self._ended = self._ended, []
        return ended

    def longest_running_s(self) -> float:
        """Return how long the oldest piece of work that runs now has been running."""
        now_s = time.monotonic()
        started_s = (work.started_s for work in self._running)
        return max((now_s - start_s for start_s in started_s if start_s is not None), default=0.0)

    def run_separately(self, work: Callable[[], Out]) -> "Future[Out]":
        """Run ``work`` on a separate thread: all pool threads may be busy."""
        return self._separate.submit(work)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._device.shutdown()
        self._pool.shutdown()
        self._separate.shutdown()

    def _start(self) -> None:
        # Last stage first, so that items leave before others enter.
        order = range(len(self._stages) - 1, -1, -1)
        while any(self._start_stage(number) for number in order):
            pass

    def _start_stage(self, number: int) -> bool:
        """Start a stage's waiting items if it can take them; return whether it did."""
        stage, waiting = self._stages[number], self._waiting[number]
        if not waiting:
            return False
        if stage.lane == "caller":
            items = list(waiting)
            stage.work(items)
            waiting.clear()
            self._move(items, number + 1)
        elif stage.lane == "pool":
            self._run_each(number, waiting)
            waiting.clear()
        elif self._linger_left_s() > 0:
            return False
        else:
            batch = [waiting.popleft() for _ in range(min(len(waiting), self._max_batch_size))]
            batch[0].batch_size = len(batch)
            self.before_device -= len(batch)
            self._device_ready_s = time.monotonic()
            if stage.lane == "spread":
                self._run_each(number, batch)
            else:
                self._run_on(self._device, number, batch)
        return True

    def _linger_left_s(self) -> float:
        """Return how long the device still waits for a fuller batch, infinity while it is busy.

        It does not wait when no other photo is before it.
        """
        if self._is_device_busy():
            return float("inf")
        ready = len(self._waiting[self._device_stage])
        if not ready:
            return float("inf")
        if ready >= min(self._max_batch_size, self.before_device):
            return 0.0
        linger_s = min(self._max_linger_s, LINGER_SHARE * self.pass_s)
        return max(0.0, self._device_ready_s + linger_s - time.monotonic())

    def _is_device_busy(self) -> bool:
        # Where the pool is the device, a batch forms while all its threads have work.
        if self._stages[self._device_stage].lane == "spread":
            return self.busy >= self._threads
        return any(work.stage == self._device_stage for work in self._running)

    def _run_each(self, number: int, items: Iterable[Item]) -> None:
        for item in items:
            self.busy += 1
            self._run_on(self._pool, number, [item])

    def _run_on(self, threads: ThreadPoolExecutor, number: int, items: list[Item]) -> None:
        work = Work(number, items)
        self._running.add(work)
        threads.submit(self._run, work)

    def _run(self, work: Work) -> None:
        self._run_stage(work)
        while self._continues(work):
            work.stage += 1
            self._run_stage(work)
        self._finished.put(work)

    def _run_stage(self, work: Work) -> None:
        stage = self._stages[work.stage]
        work.started_s = started_s = time.monotonic()
        try:
            stage.work(work.items)
        except BaseException as error:  # noqa: BLE001
            # Every item must come back: the worker waits for those that are open.
            for item in work.items:
                item.error = error if isinstance(error, Exception) else RuntimeError(repr(error))
        elapsed_s = time.monotonic() - started_s
        for item in work.items:
            item.stage_ms[stage.name] = 1e3 * elapsed_s
        if work.stage == self._device_stage:
            # On the pool a pass of one photo takes its turn with the pool's other work.
            turns = self.busy / self._threads if stage.lane == "spread" else 1.0
            self.pass_s = elapsed_s * max(1.0, turns)

    def _continues(self, work: Work) -> bool:
        """Return whether the thread that finished a stage runs the next one too.

        Its core's cache holds the data, and no other thread has to wake up.
        """
        lanes = [stage.lane for stage in self._stages[work.stage : work.stage + 2]]
        if lanes[0] not in ON_POOL or lanes[1:] != ["pool"]:
            return False
        (item,) = work.items
        if item.open:
            item.withdrawn = item.overdue
        return item.open

    def _collect(self, timeout_s: float) -> None:
        """Move finished work to its next stage; wait up to ``timeout_s`` for the first."""
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
        """Let items wait for a stage; end those that are withdrawn, have failed or have passed all."""
        for item in items:
            if item.open and number < len(self._stages):
                # Checked before each stage: the result of an overdue item is of no use to its client.
                item.withdrawn = item.overdue
            if item.open and number < len(self._stages):
                if number == self._device_stage and not self._waiting[number]:
                    self._device_ready_s = time.monotonic()
                self._waiting[number].append(item)
                continue
            if number <= self._device_stage:
                self.before_device -= 1
            self.open -= 1
            self.open_cost_px -= item.cost_px
            item.release()
            self._ended.append(item)
