"""Photos that would be late are refused at once; what is accepted is finished in time."""

import heapq
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import count

import pytest

from app.liveness.live_workers import LiveWorker
from app.service.capacity import WAIT_SHARE, Capacity
from contract.errors import QueueFullError
from contract.work import count_work_px

SMALL_PX, LARGE_PX = 400_000, 4_000_000
# What one thread does, as in bench/results/sizing.json.
THREAD_PX_PER_S = 14e6
LOOK_INTERVAL_S = 1.0


def make_worker(px_per_s: float = THREAD_PX_PER_S) -> LiveWorker:
    return LiveWorker("v", px_per_s, px_per_s)


def make_capacity(*workers: LiveWorker, queued_px: int = 0) -> Capacity:
    capacity = Capacity()
    capacity.update(workers, queued_px)
    return capacity


def hold(
    capacity: Capacity, time_s: float, pixels: int = SMALL_PX, most: int = 10_000
) -> ExitStack:
    """Reserve photos until one is refused; return their places."""
    places = ExitStack()
    for _ in range(most):
        try:
            places.enter_context(capacity.reserve(pixels, time_s))
        except QueueFullError:
            return places
    return places


def test_photos_wait_for_a_share_of_their_time_by_their_pixels() -> None:
    waits_s = {}
    for pixels in (SMALL_PX, LARGE_PX):
        capacity = make_capacity(make_worker(), make_worker())
        with hold(capacity, 10.0, pixels):
            waits_s[pixels] = capacity.wait_s
    least_s = WAIT_SHARE * 10.0
    for pixels, wait_s in waits_s.items():
        assert least_s < wait_s <= least_s + count_work_px(pixels) / (2 * THREAD_PX_PER_S)


def test_a_photo_that_takes_longer_than_its_time_is_tried_only_alone() -> None:
    capacity = make_capacity(make_worker())
    with capacity.reserve(10**9, 1.0), pytest.raises(QueueFullError):
        capacity.reserve(SMALL_PX, 1.0).__enter__()
    with capacity.reserve(SMALL_PX, 1.0), pytest.raises(QueueFullError):
        capacity.reserve(10**9, 1.0).__enter__()
    assert capacity.wait_s == 0


def test_without_a_known_rate_nothing_is_refused() -> None:
    for workers in ([], [LiveWorker("of an older version")]):
        with hold(make_capacity(*workers), 0.001, most=50) as places:
            assert len(places._exit_callbacks) == 50  # type: ignore[attr-defined]


def test_the_rate_outlives_the_workers_and_follows_their_number() -> None:
    capacity = make_capacity(make_worker())
    with capacity.reserve(LARGE_PX, 60):
        one_s = capacity.wait_s
        capacity.update([make_worker()] * 4, 0)
        assert capacity.wait_s == pytest.approx(one_s / 4)
        capacity.update([], 0)
        assert capacity.wait_s == pytest.approx(one_s / 4)
        capacity.update([make_worker(), LiveWorker("of an older version")], 0)
        assert capacity.wait_s == pytest.approx(one_s / 2)


def test_work_of_other_front_ends_counts_and_own_work_counts_once() -> None:
    capacity = make_capacity(make_worker())
    with capacity.reserve(LARGE_PX, 60):
        own_s = capacity.wait_s
        capacity.update([make_worker()], count_work_px(LARGE_PX))
        assert capacity.wait_s == own_s
        capacity.update([make_worker()], 3 * count_work_px(LARGE_PX))
        assert capacity.wait_s == pytest.approx(3 * own_s)
    assert capacity.wait_s == pytest.approx(2 * own_s)


@pytest.mark.parametrize(("work_s", "expected_s"), [(0.1, 1), (7.5, 8), (900, 60)])
def test_retry_after_is_the_time_of_the_work_ahead(work_s: float, expected_s: int) -> None:
    capacity = make_capacity(make_worker(), queued_px=round(work_s * THREAD_PX_PER_S))
    assert capacity.retry_after_s() == expected_s
    with pytest.raises(QueueFullError) as refused:
        capacity.reserve(SMALL_PX, 0.01).__enter__()
    assert refused.value.retry_after_s == expected_s


def test_a_photo_that_a_worker_gives_up_gets_the_same_retry_after() -> None:
    capacity = make_capacity(make_worker(), queued_px=round(7.5 * THREAD_PX_PER_S))
    with pytest.raises(QueueFullError) as told, capacity.reserve(SMALL_PX, 60):
        raise QueueFullError("The time left does not suffice for the photo.")
    assert told.value.retry_after_s == 8
    assert capacity.retry_after_s() == 8


@dataclass
class Photo:
    pixels: int
    deadline_s: float
    place: AbstractContextManager[None]


@dataclass
class Simulation:
    """Front ends and workers with a clock of their own; photos arrive by a Poisson process.

    A worker of one thread does ``THREAD_PX_PER_S`` and reports that times ``reported``.
    """

    time_s: float
    front_ends: int
    workers: int
    load: float
    reported: float = 1.0
    admission: bool = True
    now_s: float = 0.0
    ends: Counter[tuple[int, str]] = field(default_factory=Counter)
    in_time_px: int = 0

    def run(self, seconds: float, leave: int = 0) -> "Simulation":
        """Let photos arrive for some seconds; after half of them ``leave`` workers end."""
        self._random = random.Random(1)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._waiting: deque[Photo] = deque()
        self._running: list[Photo] = []
        self._capacities = [Capacity() for _ in range(self.front_ends)]
        for number, capacity in enumerate(self._capacities):
            self._at(
                LOOK_INTERVAL_S * number / self.front_ends, lambda one=capacity: self._look(one)
            )
        work_px = (count_work_px(SMALL_PX) + count_work_px(LARGE_PX)) / 2
        per_s = self.load * self.workers * THREAD_PX_PER_S / work_px
        for _ in range(round(per_s * seconds)):
            self._at(self._random.uniform(0, seconds), self._arrive)
        self._at(seconds / 2, lambda: self._leave(leave))
        while self._events and self.now_s < seconds:
            self.now_s, _, happen = heapq.heappop(self._events)
            happen()
        return self

    def share(self, end: str) -> float:
        return sum(n for (_, e), n in self.ends.items() if e == end) / self.ends.total()

    def accepted(self, pixels: int) -> float:
        refused = self.ends[pixels, "refused"]
        return 1 - refused / sum(n for (p, _), n in self.ends.items() if p == pixels)

    def _at(self, moment_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment_s, next(self._numbers), happen))

    def _look(self, capacity: Capacity) -> None:
        queued = [*self._waiting, *self._running]
        capacity.update(
            [make_worker(self.reported * THREAD_PX_PER_S)] * self.workers,
            sum(count_work_px(photo.pixels) for photo in queued),
        )
        self._at(self.now_s + LOOK_INTERVAL_S, lambda: self._look(capacity))

    def _leave(self, workers: int) -> None:
        self.workers -= workers

    def _arrive(self) -> None:
        pixels = self._random.choice((SMALL_PX, LARGE_PX))
        place = self._random.choice(self._capacities).reserve(
            pixels, self.time_s if self.admission else math.inf
        )
        try:
            place.__enter__()
        except QueueFullError:
            self.ends[pixels, "refused"] += 1
            return
        self._waiting.append(Photo(pixels, self.now_s + self.time_s, place))
        self._start()

    def _start(self) -> None:
        while self._waiting and len(self._running) < self.workers:
            photo = self._waiting.popleft()
            if photo.deadline_s < self.now_s:
                self._end(photo, "late")
                continue
            self._running.append(photo)
            work_s = count_work_px(photo.pixels) / THREAD_PX_PER_S
            self._at(self.now_s + work_s, lambda photo=photo: self._finish(photo))

    def _finish(self, photo: Photo) -> None:
        self._running.remove(photo)
        in_time = self.now_s <= photo.deadline_s
        self.in_time_px += count_work_px(photo.pixels) * in_time
        self._end(photo, "in time" if in_time else "late")
        self._start()

    def _end(self, photo: Photo, end: str) -> None:
        self.ends[photo.pixels, end] += 1
        photo.place.__exit__(None, None, None)


SECONDS = 60.0


@pytest.mark.parametrize("load", [2.0, 5.0])
@pytest.mark.parametrize("time_s", [4.0, 60.0])
@pytest.mark.parametrize(("front_ends", "workers"), [(1, 2), (4, 8)])
@pytest.mark.parametrize("reported", [0.7, 1.4])
def test_above_the_capacity_all_of_it_is_used_and_nothing_accepted_is_late(
    load: float, time_s: float, front_ends: int, workers: int, reported: float
) -> None:
    run = Simulation(time_s, front_ends, workers, load, reported).run(SECONDS)
    assert run.in_time_px >= 0.95 * SECONDS * workers * THREAD_PX_PER_S, run.ends
    assert run.share("late") < 0.01, run.ends
    # Large photos have the same chance as small ones.
    assert run.accepted(LARGE_PX) > 0.8 * run.accepted(SMALL_PX), run.ends


def test_without_admission_the_same_load_would_be_late() -> None:
    run = Simulation(4.0, 1, 2, 2.0, admission=False).run(SECONDS)
    assert run.share("late") > 0.5


def test_below_the_capacity_hardly_anything_is_refused() -> None:
    run = Simulation(4.0, 2, 4, 0.7).run(SECONDS)
    assert run.share("refused") < 0.01
    assert run.share("late") == 0


def test_when_half_of_the_workers_end_little_is_late() -> None:
    run = Simulation(60.0, 2, 4, 2.0).run(SECONDS, leave=2)
    assert run.share("late") < 0.01
    assert run.in_time_px >= 0.95 * SECONDS * 3 * THREAD_PX_PER_S
