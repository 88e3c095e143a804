"""Moves items through stages that overlap: one batch is predicted while other items are decoded.

A stage runs in one of three lanes:

- ``caller``: all waiting items together, in the thread that calls `Flow.advance`. Only that thread
  uses the connection to Redis.
- ``pool``: each item alone, on a pool of threads that all stages of this lane share.
- ``device``: up to a batch of items together, on one thread. At most one stage has this lane.

A pool thread continues with its item when the next stage is in the ``pool`` lane. Slow items leave the
pool for a stage that takes long with them: it runs on threads of their own with a lower priority, so that
other items do not wait for them.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, Literal, TypeVar

from contract.errors import QueueFullError
from worker.item import Item
from worker.pace import Pace

Out = TypeVar("Out")

Lane = Literal["caller", "pool", "device"]

# A batch waits for further photos for at most this share of the last pass.
LINGER_SHARE: Final = 0.5
# A photo is given up when the time left is less than this share of what its stages usually take. Some
# photos and options need less than usual, so the share is small.
HOPELESS_SHARE: Final = 0.5
# Added to the niceness of slow items' threads: a busy core gives them a quarter of its time.
SLOW_NICENESS: Final = 5
# A task hangs when it takes this many times as long as usual for its photos.
HUNG_FACTOR: Final = 10.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; ``work`` gets as many items as its lane says and stores their errors in them.

    ``is_long``: in the ``pool`` lane, it takes far longer with slow items than other stages do.
    """

    name: str
    work: Callable[[list[Item]], None]
    lane: Lane
    is_long: bool = False


@dataclass(eq=False, slots=True)
class Task:
    """Items in a stage, for one thread; ``started_s`` is monotonic time, None while it waits."""

    stage: int
    items: list[Item]
    started_s: float | None = None


class Flow:
    """Takes items by `submit`; each call of `advance` moves them to their next stages."""

    def __init__(
        self, stages: Sequence[Stage], *, threads: int, max_batch_size: int, max_linger_s: float
    ) -> None:
        self._stages = tuple(stages)
        # Without a device it is beyond the last stage: all open items are before it.
        lanes = [stage.lane for stage in stages]
        self._device_stage = lanes.index("device") if "device" in lanes else len(lanes)
        self.pace = Pace(lanes, threads)
        self._waiting: tuple[deque[Item], ...] = tuple(deque() for _ in stages)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="codec")
        self._slow = ThreadPoolExecutor(
            threads, thread_name_prefix="slow", initializer=lower_priority
        )
        self._device = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._separate = ThreadPoolExecutor(1, thread_name_prefix="separate")
        self._running: set[Task] = set()
        self._finished: SimpleQueue[Task] = SimpleQueue()
        self._ended: list[Item] = []
        self._max_batch_size = max_batch_size
        self._max_linger_s = max_linger_s
        # When the oldest item in the device's queue arrived there.
        self._device_ready_s = 0.0
        # Of the device: unknown before the first pass, 0 without a device.
        self.last_pass_s = float("inf") if "device" in lanes else 0.0
        self.open_items = 0  # in all stages
        self.slow_items = 0  # in stages that take long with them
        self.open_cost_px = 0
        self.items_before_pass = 0

    def submit(self, items: Iterable[Item]) -> None:
        """Take items; `advance` returns each of them once."""
        for item in items:
            self.open_items += 1
            self.items_before_pass += 1
            self.open_cost_px += item.cost_px
            self._waiting[0].append(item)

    def advance(self, timeout_s: float) -> list[Item]:
        """Start all tasks that can start; return items that have ended.

        Wait up to ``timeout_s`` for a task to finish while no item has ended. An error of a stage in
        the ``caller`` lane is raised; the next call runs the stage again.
        """
        self._collect(0.0)
        self._start()
        if self._running and not self._ended:
            self._collect(min(timeout_s, self._linger_left_s()))
            self._start()
        ended, self._ended = self._ended, []
        return ended

    def check_deadline(self, item: Item, number: int) -> None:
        """Withdraw an item whose deadline has passed; fail one that can't be finished before it.

        ``number`` is its next stage. The only item of a worker is tried, however large it is.
        """
        if not item.is_open:
            return
        left_s = item.time_left_s
        if left_s < 0:
            item.withdrawn = True
        elif self.open_items > 1 and left_s < HOPELESS_SHARE * self.pace.remaining_s(item, number):
            item.error = QueueFullError("The time left does not suffice for the photo.")

    def hangs(self, limit_s: float) -> bool:
        """Return whether a task runs for longer than ``limit_s``, and for far longer than is usual.

        A large photo is slow, and so is a small one while other processes have the cores.
        """
        now_s = time.monotonic()
        return any(
            task.started_s is not None
            and now_s - task.started_s > max(limit_s, self._usual_s(task) * HUNG_FACTOR)
            for task in self._running
        )

    def _usual_s(self, task: Task) -> float:
        return sum(self.pace.stage_s(item, task.stage) for item in task.items)

    def run_separately(self, work: Callable[[], Out]) -> "Future[Out]":
        """Run ``work`` on a separate thread: all pool threads may be busy."""
        return self._separate.submit(work)

    def close(self) -> None:
        """Wait for the threads to end."""
        self._device.shutdown()
        self._pool.shutdown()
        self._slow.shutdown()
        self._separate.shutdown()

    def _start(self) -> None:
        # Last stage first, so that items leave before others enter.
        order = range(len(self._stages) - 1, -1, -1)
        while any(self._start_stage(number) for number in order):
            pass

    def _start_stage(self, number: int) -> bool:
        """Start a stage's waiting items if it can take them now; return whether it took any."""
        stage, waiting = self._stages[number], self._waiting[number]
        if not waiting:
            return False
        if stage.lane == "caller":
            items = list(waiting)
            stage.work(items)
            waiting.clear()
            self._move(items, number + 1)
        elif stage.lane == "pool":
            for item in waiting:
                is_slow = stage.is_long and item.is_slow
                self.slow_items += is_slow
                self._run_on(self._slow if is_slow else self._pool, number, [item])
            waiting.clear()
        elif self._linger_left_s() > 0:
            return False
        else:
            batch = [waiting.popleft() for _ in range(min(len(waiting), self._max_batch_size))]
            self.items_before_pass -= len(batch)
            self._device_ready_s = time.monotonic()
            self._run_on(self._device, number, batch)
        return True

    def _linger_left_s(self) -> float:
        """Return how long the device still waits for a fuller batch.

        Return infinity without a device and while it is busy or has no item, 0 when the batch is full
        or no other item is on its way to the device.
        """
        number = self._device_stage
        if number == len(self._stages) or any(task.stage == number for task in self._running):
            return float("inf")
        ready = len(self._waiting[number])
        if not ready:
            return float("inf")
        if ready >= min(self._max_batch_size, self.items_before_pass):
            return 0.0
        linger_s = min(self._max_linger_s, LINGER_SHARE * self.last_pass_s)
        return max(0.0, self._device_ready_s + linger_s - time.monotonic())

    def _run_on(self, threads: ThreadPoolExecutor, number: int, items: list[Item]) -> None:
        task = Task(number, items)
        self._running.add(task)
        threads.submit(self._run, task)

    def _run(self, task: Task) -> None:
        try:
            self._run_stage(task)
            while self._continues(task):
                task.stage += 1
                self._run_stage(task)
        except BaseException as error:  # noqa: BLE001
            # Every item must be returned: the worker waits for all that are open.
            for item in task.items:
                item.error = error if isinstance(error, Exception) else RuntimeError(repr(error))
        self._finished.put(task)

    def _run_stage(self, task: Task) -> None:
        stage = self._stages[task.stage]
        task.started_s = started_s = time.monotonic()
        stage.work(task.items)
        elapsed_s = time.monotonic() - started_s
        self.pace.observe(task.stage, task.items, elapsed_s)
        for item in task.items:
            item.stage_ms[stage.name] = 1e3 * elapsed_s
        if task.stage == self._device_stage:
            self.last_pass_s = elapsed_s

    def _continues(self, task: Task) -> bool:
        """Return whether the thread that finished a stage runs the next one too.

        The data is in the cache of its core, and no other thread has to be woken.
        """
        if [stage.lane for stage in self._stages[task.stage : task.stage + 2]] != ["pool"] * 2:
            return False
        (item,) = task.items
        if self._stages[task.stage + 1].is_long and item.is_slow:
            return False
        self.check_deadline(item, task.stage + 1)
        return item.is_open

    def _collect(self, timeout_s: float) -> None:
        """Move the items of finished tasks on; wait up to ``timeout_s`` for the first task."""
        try:
            task = self._finished.get(block=timeout_s > 0, timeout=timeout_s)
            while True:
                self._running.discard(task)
                self.slow_items -= self._stages[task.stage].is_long and task.items[0].is_slow
                self._move(task.items, task.stage + 1)
                task = self._finished.get_nowait()
        except Empty:
            return

    def _move(self, items: Iterable[Item], number: int) -> None:
        """Queue items for a stage; end those that are withdrawn, failed or through the last stage."""
        for item in items:
            if number < len(self._stages):
                self.check_deadline(item, number)
            if item.is_open and number < len(self._stages):
                if number == self._device_stage and not self._waiting[number]:
                    self._device_ready_s = time.monotonic()
                self._waiting[number].append(item)
                continue
            if number <= self._device_stage:
                self.items_before_pass -= 1
            self.open_items -= 1
            self.open_cost_px -= item.cost_px
            item.release()
            self._ended.append(item)


def lower_priority() -> None:
    """Give the calling thread less of a core that others want, where threads have priorities (Linux)."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(
            os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + SLOW_NICENESS
        )
