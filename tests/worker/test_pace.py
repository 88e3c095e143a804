"""A worker's rate is that of its busy threads, learnt within a few photos."""

import time

import pytest

from contract.errors import CorruptImageError
from contract.messages import Options, Request
from contract.work import count_work_px
from worker.item import Item
from worker.pace import FIRST_PX_PER_S, MEMORY_S, Pace

PIXELS = 1_000_000
WORK_PX = count_work_px(PIXELS)
CPU = ("caller", "pool", "pool", "pool", "caller")
GPU = ("caller", "pool", "device", "pool", "caller")


def make_item() -> Item:
    now_s = time.time()
    return Item("job", Request(Options(), "me", 0, PIXELS, now_s, now_s + 60))


def observe(pace: Pace, times_s: dict[int, float], photos: int = 100) -> None:
    for _ in range(photos):
        for stage, elapsed_s in times_s.items():
            pace.observe(stage, [make_item()], elapsed_s)


def test_before_the_first_photo_every_thread_has_the_first_rate() -> None:
    pace = Pace(CPU, threads=4)
    assert pace.px_per_s() == pytest.approx(4 * FIRST_PX_PER_S)
    assert pace.photo_px_per_s() == pytest.approx(FIRST_PX_PER_S)


def test_the_first_photos_replace_the_first_rate() -> None:
    pace = Pace(CPU, threads=2)
    observe(pace, {1: 0.5, 2: 1.0, 3: 0.5}, photos=2)
    assert pace.px_per_s() == pytest.approx(2 * WORK_PX / 2.0, rel=0.25)


def test_on_a_cpu_all_stages_share_the_threads() -> None:
    pace = Pace(CPU, threads=4)
    observe(pace, {1: 0.1, 2: 0.3, 3: 0.1})
    assert pace.px_per_s() == pytest.approx(4 * WORK_PX / 0.5, rel=0.01)
    assert pace.photo_px_per_s() == pytest.approx(WORK_PX / 0.5, rel=0.01)


@pytest.mark.parametrize(("pass_s", "expected_s"), [(0.02, 0.4 / 16), (0.8, 0.8 / 8)])
def test_with_a_device_the_slower_of_threads_and_device_counts(
    pass_s: float, expected_s: float
) -> None:
    pace = Pace(GPU, threads=16)
    for _ in range(100):
        observe(pace, {1: 0.2, 3: 0.2}, photos=8)
        pace.observe(2, [make_item() for _ in range(8)], pass_s)  # one pass for all
    assert pace.px_per_s() == pytest.approx(WORK_PX / expected_s, rel=0.02)


def test_a_change_is_noticed_within_seconds_of_work() -> None:
    pace = Pace(CPU, threads=1)
    observe(pace, {1: 0.1, 2: 0.1, 3: 0.1})
    observe(pace, {1: 0.4, 2: 0.4, 3: 0.4}, photos=round(2 * MEMORY_S / 0.4))
    assert pace.px_per_s() == pytest.approx(WORK_PX / 1.2, rel=0.3)


def test_what_is_left_of_an_item_is_that_of_its_later_stages() -> None:
    pace = Pace(CPU, threads=4)
    observe(pace, {1: 0.1, 2: 0.3, 3: 0.2})
    left_s = [pace.remaining_s(make_item(), stage) for stage in range(len(CPU))]
    assert left_s == pytest.approx([0.6, 0.6, 0.5, 0.2, 0.0], rel=0.02)


def test_damaged_photos_do_not_make_a_worker_look_fast() -> None:
    pace = Pace(CPU, threads=1)
    observe(pace, {1: 0.1, 2: 0.1, 3: 0.1})
    before = pace.px_per_s()
    damaged = make_item()
    damaged.error = CorruptImageError("Broken.")
    for _ in range(1000):
        pace.observe(1, [damaged], 1e-6)
    assert pace.px_per_s() == before
