"""Stages overlap, batches form while the device is busy, and a single photo does not wait."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import worker.flow
from contract.errors import QueueFullError
from contract.messages import Options, Request
from worker.flow import Flow, Lane, Stage
from worker.item import Item

PATIENCE_S = 20.0


def make_item(number: int, **options: Any) -> Item:
    now_s = time.time()
    return Item(str(number), Request(Options(**options), "me", 0, 10, now_s, now_s + 60))


def do_nothing(_items: list[Item]) -> None:
    """Take no time."""


@contextmanager
def make_flow(
    first: Callable[[list[Item]], None] = do_nothing,
    device: Callable[[list[Item]], None] = do_nothing,
    last: Callable[[list[Item]], None] = do_nothing,
    store: Callable[[list[Item]], None] = do_nothing,
    lane: Lane = "device",
    **limits: float,
) -> Iterator[Flow]:
    flow = Flow(
        [
            Stage("first", first, "pool"),
            Stage("device", device, lane),
            Stage("last", last, "pool", is_long=True),
            Stage("store", store, "caller"),
        ],
        threads=4,
        max_batch_size=int(limits.get("max_batch_size", 4)),
        max_linger_s=limits.get("max_linger_s", 0.0),
    )
    yield flow
    flow.close()


def drain(flow: Flow) -> list[Item]:
    ended: list[Item] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while flow.open_items:
        ended += flow.advance(0.05)
        assert time.monotonic() < deadline_s
    return ended + flow.advance(0.0)


def test_three_batches_are_in_three_stages_at_the_same_time() -> None:
    # The barrier breaks unless three stages work at the same time.
    barrier = threading.Barrier(3)

    def meet(own: str) -> Callable[[list[Item]], None]:
        def work(items: list[Item]) -> None:
            if own in {one.job_id for one in items}:
                barrier.wait(PATIENCE_S)

        return work

    with make_flow(first=meet("2"), device=meet("1"), last=meet("0"), max_batch_size=1) as flow:
        flow.submit([make_item(number) for number in range(3)])
        ended = drain(flow)
    assert [one.error for one in ended] == [None] * 3


def test_without_a_device_each_item_stays_on_its_thread_and_wakes_the_caller_once() -> None:
    barrier = threading.Barrier(3)
    names: dict[str, list[str]] = {"0": [], "1": []}

    def note(items: list[Item]) -> None:
        (one,) = items
        names[one.job_id].append(threading.current_thread().name)

    def decode(items: list[Item]) -> None:
        barrier.wait(PATIENCE_S)  # breaks unless two threads run beside the caller
        note(items)

    with make_flow(first=decode, device=note, last=note, lane="pool") as flow:
        flow.submit([make_item(number) for number in range(2)])
        flow.advance(0.0)
        barrier.wait(PATIENCE_S)
        flow.close()
        assert flow._finished.qsize() == 2
        ended = drain(flow)
    assert [one.error for one in ended] == [None, None]
    assert all({"first", "device", "last"} <= set(one.stage_ms) for one in ended)
    (threads, others) = (set(own) for own in names.values())
    assert len(threads) == len(others) == 1
    assert threads != others
    assert all(name.startswith("codec") for name in threads | others)
    assert flow.items_before_pass == 0


@pytest.mark.parametrize("lane", ["device", "pool"])
def test_a_photo_that_becomes_overdue_during_its_pass_is_not_encoded(lane: Lane) -> None:
    encoded = []

    def become_overdue(items: list[Item]) -> None:
        for one in items:
            one.request = replace(one.request, deadline_unix_s=time.time() - 1)

    with make_flow(device=become_overdue, last=encoded.append, lane=lane) as flow:
        flow.submit([make_item(0)])
        (ended,) = drain(flow)
    assert ended.withdrawn
    assert encoded == []


@pytest.mark.parametrize("lane", ["device", "pool"])
def test_a_photo_that_would_be_overdue_before_its_end_is_given_up(lane: Lane) -> None:
    """The flow knows from earlier photos how long the last stage takes."""
    encoded: list[str] = []
    items = [make_item(0), make_item(1)]
    items[0].request = replace(items[0].request, deadline_unix_s=time.time() + 1e6)

    def encode(some: list[Item]) -> None:
        encoded.append(some[0].job_id)
        deadline_s = time.monotonic() + PATIENCE_S
        while items[1].is_open and time.monotonic() < deadline_s:
            time.sleep(0.001)

    with make_flow(last=encode, lane=lane) as flow:
        flow.pace.observe(2, items, 1e4)
        flow.submit(items)
        drain(flow)
    assert encoded == ["0"]
    assert items[0].is_open
    assert isinstance(items[1].error, QueueFullError)


def test_the_only_photo_is_tried_however_long_it_takes() -> None:
    with make_flow() as flow:
        flow.pace.observe(2, [make_item(0)], 1e4)
        flow.submit([make_item(0)])
        (ended,) = drain(flow)
    assert ended.is_open


def test_batches_form_while_the_device_is_busy() -> None:
    release, batches = threading.Event(), []

    def predict(items: list[Item]) -> None:
        batches.append(len(items))
        if len(batches) == 1:
            release.wait(PATIENCE_S)

    with make_flow(device=predict) as flow:
        flow.submit([make_item(0)])
        while not batches:
            flow.advance(0.01)
        flow.submit([make_item(number) for number in range(1, 8)])
        while len(flow._waiting[1]) < 7:
            flow.advance(0.01)
        release.set()
        drain(flow)
    assert batches == [1, 4, 3]


def test_a_single_photo_does_not_linger() -> None:
    with make_flow(max_linger_s=PATIENCE_S) as flow:
        flow.submit([make_item(0)])
        started_s = time.monotonic()
        drain(flow)
        assert time.monotonic() - started_s < PATIENCE_S / 2


def test_a_photo_lingers_for_decoding_photos_up_to_a_limit() -> None:
    release, batches = threading.Event(), []

    def decode(items: list[Item]) -> None:
        if items[0].job_id == "1":
            release.wait(PATIENCE_S)

    def predict(items: list[Item]) -> None:
        batches.append([one.job_id for one in items])
        release.set()

    with make_flow(first=decode, device=predict, max_linger_s=0.05) as flow:
        flow.submit([make_item(0), make_item(1)])
        drain(flow)
    assert batches == [["0"], ["1"]]


def test_a_photo_lingers_for_half_of_the_last_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s, release, predicted = [100.0], threading.Event(), []
    clock = SimpleNamespace(monotonic=lambda: clock_s[0])
    monkeypatch.setattr(worker.flow, "time", clock)

    def decode(items: list[Item]) -> None:
        if items[0].job_id == "1":
            release.wait(PATIENCE_S)

    def predict(items: list[Item]) -> None:
        predicted.extend(one.job_id for one in items)

    with make_flow(first=decode, device=predict, max_linger_s=60.0) as flow:
        flow.last_pass_s = 20.0
        flow.submit([make_item(0), make_item(1)])
        while not flow._waiting[1]:
            flow.advance(0.01)
        clock_s[0] += 9.9
        flow.advance(0.01)
        assert predicted == []
        clock_s[0] += 0.2
        flow.advance(0.01)
        while not predicted:
            flow.advance(0.01)
        assert predicted == ["0"]
        release.set()
        drain(flow)


@pytest.mark.parametrize(
    ("lane", "unknown_s", "pass_s"), [("device", math.inf, 2.0), ("pool", 0, 0)]
)
def test_times_of_stages_are_in_ms_and_those_of_passes_in_seconds(
    monkeypatch: pytest.MonkeyPatch, lane: Lane, unknown_s: float, pass_s: float
) -> None:
    clock_s = [100.0]
    monkeypatch.setattr(worker.flow, "time", SimpleNamespace(monotonic=lambda: clock_s[0]))

    def take_two_seconds(_items: list[Item]) -> None:
        clock_s[0] += 2.0

    with make_flow(device=take_two_seconds, lane=lane) as flow:
        assert flow.last_pass_s == unknown_s
        flow.submit([make_item(0)])
        (ended,) = drain(flow)
        assert flow.last_pass_s == pass_s
    assert ended.stage_ms == {"first": 0.0, "device": 2000.0, "last": 0.0}


def test_more_items_than_a_batch_are_split() -> None:
    batches = []
    with make_flow(
        device=lambda items: batches.append(len(items)), max_linger_s=PATIENCE_S
    ) as flow:
        flow.submit([make_item(number) for number in range(6)])
        drain(flow)
    assert batches == [4, 2]


@pytest.mark.parametrize("lane", ["device", "pool"])
def test_an_item_that_fails_does_not_affect_others(lane: Lane) -> None:
    def decode(items: list[Item]) -> None:
        if items[0].job_id == "1":
            raise ValueError("broken")

    with make_flow(first=decode, lane=lane) as flow:
        flow.submit([make_item(number) for number in range(3)])
        ended = {one.job_id: one.error for one in drain(flow)}
    assert isinstance(ended.pop("1"), ValueError)
    assert list(ended.values()) == [None, None]
    assert (flow.open_items, flow.items_before_pass, flow.open_cost_px) == (0, 0, 0)


def test_an_item_that_can_not_go_on_is_returned() -> None:
    item = make_item(0)
    broken = replace(item.request, deadline_unix_s=None)  # type: ignore[arg-type]

    def spoil(items: list[Item]) -> None:
        items[0].request = broken

    with make_flow(device=spoil, lane="pool") as flow:
        flow.submit([item])
        (ended,) = drain(flow)
    assert isinstance(ended.error, TypeError)


def test_an_error_in_the_callers_lane_is_raised_and_loses_no_item() -> None:
    faults = [ConnectionError("gone")]

    def store(_items: list[Item]) -> None:
        if faults:
            raise faults.pop()

    with make_flow(store=store) as flow:
        flow.submit([make_item(0)])
        with pytest.raises(ConnectionError):
            drain(flow)
        assert len(drain(flow)) == 1


def test_a_task_hangs_when_it_takes_too_long_and_far_longer_than_usual() -> None:
    release = threading.Event()

    def hang(_items: list[Item]) -> None:
        release.wait(PATIENCE_S)

    with make_flow(device=hang) as flow:
        flow.submit([make_item(0)])
        deadline_s = time.monotonic() + PATIENCE_S
        # By the first rate the pass takes less than 10 ms.
        while not flow.hangs(0.2):
            flow.advance(0.01)
            assert time.monotonic() < deadline_s
        flow.pace.observe(1, [make_item(1)], 100.0)
        assert not flow.hangs(0.2)
        release.set()
        drain(flow)
        assert not flow.hangs(0.0)


@pytest.mark.parametrize("lane", ["device", "pool"])
def test_slow_items_take_no_thread_of_the_others_and_less_of_a_core(lane: Lane) -> None:
    may_end = threading.Event()
    niceness: dict[bool, int] = {}

    def encode(items: list[Item]) -> None:
        niceness[items[0].is_slow] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        if items[0].is_slow:
            assert may_end.wait(PATIENCE_S)

    with make_flow(last=encode, lane=lane) as flow:
        slow = [make_item(number, format="avif") for number in range(6)]
        flow.submit(slow)
        ends_s = time.monotonic() + PATIENCE_S
        while flow.slow_items < len(slow):
            assert time.monotonic() < ends_s
            assert flow.advance(0.01) == []
        quick = [make_item(number) for number in range(10, 20)]
        flow.submit(quick)
        ended: list[Item] = []
        while len(ended) < len(quick):
            assert time.monotonic() < ends_s
            ended += flow.advance(0.1)
        assert {item.job_id for item in ended} == {item.job_id for item in quick}
        may_end.set()
        ended = drain(flow)
        assert {item.job_id for item in ended} == {item.job_id for item in slow}
        assert flow.slow_items == 0
        assert all("last" in item.stage_ms for item in ended)
    assert niceness[True] == niceness[False] + worker.flow.SLOW_NICENESS
