"""Stages overlap, nothing is started twice, and a lone photo waits for no one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from contract.messages import Options, Request
from worker.flow import Flow, Lane, Stage
from worker.item import Item

PATIENCE_S = 20.0


def item(number: int) -> Item:
    now_s = time.time()
    return Item(str(number), Request(Options(), "me", 0, 10, now_s, now_s + 60))


def nothing(_items: list[Item]) -> None:
    """Work that takes no time."""


@contextmanager
def flow(
    first: Callable[[list[Item]], None] = nothing,
    device: Callable[[list[Item]], None] = nothing,
    last: Callable[[list[Item]], None] = nothing,
    store: Callable[[list[Item]], None] = nothing,
    lane: Lane = "device",
    **limits: float,
) -> Iterator[Flow]:
    made = Flow(
        [
            Stage("first", first, "pool"),
            Stage("device", device, lane),
            Stage("last", last, "pool"),
            Stage("store", store, "caller"),
        ],
        threads=4,
        max_batch_size=int(limits.get("max_batch_size", 4)),
        max_linger_s=limits.get("max_linger_s", 0.0),
    )
    yield made
    made.close()


def drain(made: Flow) -> list[Item]:
    ended: list[Item] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while made.open:
        ended += made.advance(0.05)
        assert time.monotonic() < deadline_s
    return ended + made.advance(0.0)


def test_one_batch_is_predicted_while_the_next_decodes_and_the_last_encodes() -> None:
    # All three stages must be inside their work at the same time, or the barrier breaks.
    barrier = threading.Barrier(3)

    def meet(own: str) -> Callable[[list[Item]], None]:
        def work(items: list[Item]) -> None:
            if own in {one.job_id for one in items}:
                barrier.wait(PATIENCE_S)

        return work

    with flow(first=meet("2"), device=meet("1"), last=meet("0"), max_batch_size=1) as made:
        made.submit([item(number) for number in range(3)])
        ended = drain(made)
    assert [one.error for one in ended] == [None] * 3


def test_a_batch_that_is_spread_has_a_thread_for_each_item_which_goes_on_with_it() -> None:
    barrier = threading.Barrier(2)
    names: dict[str, list[str]] = {"0": [], "1": []}

    def note(items: list[Item]) -> None:
        (one,) = items
        names[one.job_id].append(threading.current_thread().name)

    def predict(items: list[Item]) -> None:
        barrier.wait(PATIENCE_S)  # which breaks unless two run at once
        note(items)

    with flow(device=predict, last=note, lane="spread", max_linger_s=PATIENCE_S) as made:
        made.submit([item(number) for number in range(2)])
        ended = drain(made)
    assert [one.error for one in ended] == [None, None]
    assert sorted(one.batch_size for one in ended) == [0, 2]
    assert all({"device", "last"} <= set(one.stage_ms) for one in ended)
    (predicted, encoded), (other, other_encoded) = names.values()
    assert (predicted, other) == (encoded, other_encoded)
    assert predicted != other
    assert all(name.startswith("codec") for name in (predicted, other))
    assert made.busy == 0


@pytest.mark.parametrize("lane", ["device", "spread"])
def test_a_photo_whose_client_left_during_its_pass_is_not_encoded(lane: Lane) -> None:
    encoded = []

    def leave(items: list[Item]) -> None:
        for one in items:
            one.request = replace(one.request, deadline_unix_s=time.time() - 1)

    with flow(device=leave, last=encoded.append, lane=lane) as made:
        made.submit([item(0)])
        (ended,) = drain(made)
    assert ended.withdrawn
    assert encoded == []


def test_an_item_that_fails_in_a_batch_that_is_spread_ends_alone() -> None:
    def predict(items: list[Item]) -> None:
        if items[0].job_id == "1":
            raise ValueError("broken")

    with flow(device=predict, lane="spread", max_linger_s=PATIENCE_S) as made:
        made.submit([item(number) for number in range(3)])
        ended = {one.job_id: one.error for one in drain(made)}
    assert isinstance(ended.pop("1"), ValueError)
    assert list(ended.values()) == [None, None]
    assert (made.open, made.before_device, made.busy) == (0, 0, 0)


def test_a_batch_that_is_to_be_spread_forms_while_all_threads_have_work() -> None:
    release, predicted = threading.Event(), []

    def predict(items: list[Item]) -> None:
        predicted.append(items[0].job_id)
        release.wait(PATIENCE_S)

    with flow(device=predict, lane="spread") as made:
        made.submit([item(number) for number in range(4)])
        while len(predicted) < 4:  # on each of its threads one
            made.advance(0.01)
        made.submit([item(number) for number in range(4, 7)])
        for _ in range(20):
            made.advance(0.01)
        assert len(predicted) == 4
        assert made.busy == 4 + 3  # which decode as soon as there is a thread
        release.set()
        ended = drain(made)
    assert sum(one.batch_size for one in ended) == 7


def test_batches_form_while_the_device_is_busy() -> None:
    release, batches = threading.Event(), []

    def predict(items: list[Item]) -> None:
        batches.append(len(items))
        if len(batches) == 1:
            release.wait(PATIENCE_S)

    with flow(device=predict) as made:
        made.submit([item(0)])
        while not batches:
            made.advance(0.01)
        made.submit([item(number) for number in range(1, 8)])
        while len(made._waiting[1]) < 7:
            made.advance(0.01)
        release.set()
        drain(made)
    assert batches == [1, 4, 3]


def test_a_single_photo_waits_for_no_one() -> None:
    with flow(max_linger_s=PATIENCE_S) as made:
        made.submit([item(0)])
        started_s = time.monotonic()
        drain(made)
        assert time.monotonic() - started_s < PATIENCE_S / 2


def test_a_photo_lingers_for_those_that_decode_but_not_for_ever() -> None:
    release, batches = threading.Event(), []

    def decode(items: list[Item]) -> None:
        if items[0].job_id == "1":
            release.wait(PATIENCE_S)

    def predict(items: list[Item]) -> None:
        batches.append([one.job_id for one in items])
        release.set()

    with flow(first=decode, device=predict, max_linger_s=0.05) as made:
        made.submit([item(0), item(1)])
        drain(made)
    assert batches == [["0"], ["1"]]


def test_what_is_larger_than_a_batch_is_cut() -> None:
    batches = []
    with flow(device=lambda items: batches.append(len(items)), max_linger_s=PATIENCE_S) as made:
        made.submit([item(number) for number in range(6)])
        drain(made)
    assert batches == [4, 2]


def test_an_item_that_fails_ends_and_others_go_on() -> None:
    def decode(items: list[Item]) -> None:
        if items[0].job_id == "1":
            raise ValueError("broken")

    with flow(first=decode) as made:
        made.submit([item(number) for number in range(3)])
        ended = {one.job_id: one.error for one in drain(made)}
    assert isinstance(ended.pop("1"), ValueError)
    assert list(ended.values()) == [None, None]
    assert (made.open, made.before_device, made.open_cost_px) == (0, 0, 0)


def test_what_the_callers_lane_raises_comes_through_and_loses_nothing() -> None:
    faults = [ConnectionError("gone")]

    def store(_items: list[Item]) -> None:
        if faults:
            raise faults.pop()

    with flow(store=store) as made:
        made.submit([item(0)])
        with pytest.raises(ConnectionError):
            drain(made)
        assert len(drain(made)) == 1


def test_the_time_of_work_that_hangs_is_known() -> None:
    release = threading.Event()

    def hang(_items: list[Item]) -> None:
        release.wait(PATIENCE_S)

    with flow(device=hang) as made:
        made.submit([item(0)])
        while made.longest_running_s() < 0.1:
            made.advance(0.01)
        release.set()
        drain(made)
        assert made.longest_running_s() == 0.0
