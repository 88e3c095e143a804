"""A batch goes through all stages; every item ends on its own."""

import io
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

import worker.pipeline
from contract.errors import CorruptImageError, TooManyPixelsError
from contract.keys import image_key, reply_key
from contract.messages import decode_reply
from tests.photos import file_of, photo
from tests.worker.running import item, pipeline, run
from tests.worker.stand_ins import CentrePredictor
from worker.image.encode import EncodeInputs, encode, prepare_inputs
from worker.item import Item


def test_a_bad_image_fails_alone(connection: Redis) -> None:
    good = file_of(photo())
    predictor = CentrePredictor()
    items = [
        item(connection, "first", good),
        item(connection, "corrupt", good[:2000]),
        item(connection, "huge", file_of(Image.new("1", (2000, 2000)))),
        item(connection, "last", file_of(photo(seed=1))),
    ]
    ended = {one.job_id: one for one in run(pipeline(connection, predictor), items)}
    assert isinstance(ended["corrupt"].error, CorruptImageError)
    assert isinstance(ended["huge"].error, TooManyPixelsError)
    assert ended["first"].error is None
    assert ended["last"].error is None
    assert predictor.batch_sizes == [2]


class MeetingPredictor(CentrePredictor):
    """Waits in its pass for what is to be done beside it."""

    def __init__(self, beside: threading.Event, patience_s: float) -> None:
        super().__init__(side_by_side=True)
        self._beside = beside
        self._patience_s = patience_s
        self.met: list[bool] = []

    def predict(
        self, batch: Sequence[NDArray[np.uint8]], threads: int | None = None
    ) -> list[NDArray[np.float32]]:
        self.met.append(self._beside.wait(self._patience_s))
        return super().predict(batch, threads)


@pytest.mark.parametrize(("photos", "in_flight"), [(1, 0), (1, 1), (1, 2), (3, 0)])
def test_only_a_single_photos_inputs_are_prepared_during_its_pass(
    connection: Redis, monkeypatch: pytest.MonkeyPatch, photos: int, in_flight: int
) -> None:
    prepared = threading.Event()

    def prepare_and_tell(*args: Any, **more: Any) -> EncodeInputs:
        inputs = prepare_inputs(*args, **more)
        prepared.set()
        return inputs

    monkeypatch.setattr(worker.pipeline, "prepare_inputs", prepare_and_tell)
    is_alone = photos == 1 and in_flight < 2
    predictor = MeetingPredictor(prepared, patience_s=5.0 if is_alone else 0.2)
    data = file_of(photo(), "JPEG", quality=95)
    items = [item(connection, str(number), data) for number in range(photos)]
    # With a single thread, which the pass itself keeps busy.
    ended = run(pipeline(connection, predictor, threads=1), items, in_flight=in_flight)
    assert [one.error for one in ended] == [None] * photos
    assert predictor.met[0] == is_alone
    options = items[0].request.options
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    centre = CentrePredictor()
    (saliency,) = centre.predict([centre.prepare(Image.fromarray(pixels))])
    inputs = prepare_inputs(pixels, options, upload=data, orientation=1)
    assert connection.get(image_key("0")) == encode(pixels, saliency, options, inputs).jpeg


def test_a_single_photo_whose_inputs_cannot_be_prepared_fails_with_that_error(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any, **__: Any) -> EncodeInputs:
        raise RuntimeError("no inputs")

    monkeypatch.setattr(worker.pipeline, "prepare_inputs", break_down)
    (ended,) = run(pipeline(connection), [item(connection, "a", file_of(photo()))])
    assert str(ended.error) == "no inputs"


def test_a_batch_counts_once(connection: Redis) -> None:
    items = [item(connection, str(number), file_of(photo(64, 48))) for number in range(3)]
    run(pipeline(connection), items)
    replies = [decode_reply(raw) for raw in connection.lrange(reply_key("me"), 0, -1)]
    assert sorted(reply.batch_size for reply in replies) == [0, 0, 3]


def test_on_a_cpu_the_photos_of_a_batch_go_side_by_side(connection: Redis) -> None:
    predictor = CentrePredictor(side_by_side=True)
    items = [item(connection, str(number), file_of(photo(64, 48))) for number in range(3)]
    run(pipeline(connection, predictor), items)
    assert predictor.batch_sizes == predictor.threads == [1, 1, 1]
    replies = [decode_reply(raw) for raw in connection.lrange(reply_key("me"), 0, -1)]
    assert sorted(reply.batch_size for reply in replies) == [0, 0, 3]


@pytest.mark.parametrize(
    ("threads", "pass_threads", "own"), [(1, None, 1), (2, None, 1), (4, None, 3), (1, 8, 7)]
)
def test_a_single_photo_on_a_cpu_has_all_threads_but_one(
    connection: Redis, threads: int, pass_threads: int | None, own: int
) -> None:
    predictor = CentrePredictor(side_by_side=True)
    alone = pipeline(connection, predictor, threads=threads, pass_threads=pass_threads)
    run(alone, [item(connection, "a", file_of(photo(64, 48)))])
    assert predictor.threads == [own]


def test_a_photo_shares_a_cpus_threads_with_those_of_other_workers(connection: Redis) -> None:
    predictor = CentrePredictor(side_by_side=True)
    one_of_three = pipeline(connection, predictor, threads=1, pass_threads=8)
    photos = [item(connection, "a", file_of(photo(64, 48)))]
    run(one_of_three, photos, in_flight=3)
    assert predictor.threads == [(8 - 1) // 3]


@pytest.mark.parametrize(("side_by_side", "capacities"), [(False, [20, 19, 18]), (True, [8, 7, 0])])
def test_on_a_cpu_there_is_capacity_only_until_each_thread_has_a_next_photo(
    connection: Redis, side_by_side: bool, capacities: list[int]
) -> None:
    predictor = CentrePredictor(side_by_side=side_by_side)
    filling = pipeline(connection, predictor, threads=1, max_batch_size=20)
    found = []
    for name in "abc":
        found.append(filling.capacity())
        filling.submit([item(connection, name, None)])
    assert found == capacities
    filling.close()


def test_what_waits_for_threads_of_a_cpu_takes_capacity_too(connection: Redis) -> None:
    predictor = CentrePredictor(side_by_side=True)
    drawing, go_on = threading.Event(), threading.Event()
    predict = predictor.predict

    def predict_slowly(batch: Sequence[np.ndarray], threads: int | None = None) -> list[np.ndarray]:
        drawing.set()
        assert go_on.wait(20)
        return predict(batch, threads)

    predictor.predict = predict_slowly  # type: ignore[method-assign]
    busy = pipeline(connection, predictor, threads=1)
    busy.submit([item(connection, str(number), file_of(photo(64, 48))) for number in range(3)])
    capacities = []
    while not drawing.is_set():
        busy.advance(0.01)
    # All three are in one batch now: two of them wait for the thread.
    capacities.append(busy.capacity())
    go_on.set()
    ended: list[Item] = []
    while len(ended) < 3:
        ended += busy.advance(1.0)
        capacities.append(busy.capacity())
    assert capacities[0] == 0
    assert capacities[-1] == 8
    busy.close()


def test_a_photo_beside_busy_threads_on_a_cpu_has_one(connection: Redis) -> None:
    predictor = CentrePredictor(side_by_side=True)
    working = pipeline(connection, predictor, threads=4, max_linger_ms=0, max_batch_size=1)
    decoding, drawn = threading.Event(), threading.Event()
    prepare, predict = predictor.prepare, predictor.predict

    def prepare_one(image: Image.Image) -> np.ndarray:
        if image.size == (65, 48):
            decoding.set()
            assert drawn.wait(20)
        return prepare(image)

    def predict_one(batch: Sequence[np.ndarray], threads: int | None = None) -> list[np.ndarray]:
        assert decoding.wait(20)
        maps = predict(batch, threads)
        drawn.set()
        return maps

    predictor.prepare = prepare_one  # type: ignore[method-assign]
    predictor.predict = predict_one  # type: ignore[method-assign]
    run(
        working,
        [item(connection, str(width), file_of(photo(width, 48))) for width in (64, 65)],
    )
    assert predictor.threads[0] == 1


def test_withdrawn_and_late_jobs_are_not_worked_on(connection: Redis) -> None:
    predictor = CentrePredictor()
    items = [
        item(connection, "withdrawn", None),
        item(connection, "late", file_of(photo()), deadline_s=-1),
    ]
    ended = run(pipeline(connection, predictor), items)
    assert all(one.withdrawn and one.error is None for one in ended)
    assert predictor.batch_sizes == []
    assert not connection.exists(reply_key("me"))


@pytest.mark.parametrize("side_by_side", [False, True])
def test_when_a_pass_fails_its_items_run_singly(connection: Redis, *, side_by_side: bool) -> None:
    predictor = CentrePredictor(breaks_on_width_px=33, side_by_side=side_by_side)
    items = [
        item(connection, "a", file_of(photo(64, 48))),
        item(connection, "poison", file_of(photo(33, 48))),
        item(connection, "b", file_of(photo(65, 48))),
    ]
    ended = {one.job_id: one for one in run(pipeline(connection, predictor), items)}
    assert isinstance(ended["poison"].error, RuntimeError)
    assert ended["a"].error is None
    assert ended["b"].error is None
    assert set(predictor.batch_sizes) == {1}


def test_a_job_whose_deadline_passes_on_the_way_is_dropped(connection: Redis) -> None:
    predictor = CentrePredictor()
    working = pipeline(connection, predictor)
    one = item(connection, "a", file_of(photo()), deadline_s=3600)
    prepare = predictor.prepare

    def prepare_too_late(image: Image.Image) -> np.ndarray:
        one.request = replace(one.request, deadline_unix_s=time.time() - 1)
        return prepare(image)

    predictor.prepare = prepare_too_late  # type: ignore[method-assign]
    (ended,) = run(working, [one])
    assert ended.withdrawn
    assert predictor.batch_sizes == []
    assert not connection.exists(reply_key("me"))
