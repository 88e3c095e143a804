"""A batch passes all stages; each item ends separately."""

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

import codec.avif.encode
import worker.image.formats.jpeg.reader
import worker.pipeline
from contract.errors import CorruptImageError, TooManyPixelsError
from contract.keys import image_key, input_key, reply_key
from contract.messages import decode_reply
from model.prediction import Prediction
from tests.photos import file_of, photo
from tests.worker.centre_predictor import CentrePredictor
from tests.worker.pipelines import collect, make_item, make_pipeline, run
from worker.image.coefficients import read_upright
from worker.image.encode import EncodeInputs, encode, prepare_inputs


def test_a_bad_image_does_not_affect_others(connection: Redis) -> None:
    good = file_of(photo())
    predictor = CentrePredictor()
    items = [
        make_item(connection, "first", good),
        make_item(connection, "corrupt", good[:2000]),
        make_item(connection, "huge", file_of(Image.new("1", (2000, 2000)))),
        make_item(connection, "last", file_of(photo(seed=1))),
    ]
    ended = {one.job_id: one for one in run(make_pipeline(connection, predictor), items)}
    assert isinstance(ended["corrupt"].error, CorruptImageError)
    assert isinstance(ended["huge"].error, TooManyPixelsError)
    assert ended["first"].error is None
    assert ended["last"].error is None
    assert predictor.batch_sizes == [2]


class WaitingPredictor(CentrePredictor):
    """Waits during its pass for an event, and notes whether it came."""

    def __init__(self, event: threading.Event, patience_s: float) -> None:
        super().__init__(side_by_side=True)
        self._event = event
        self._patience_s = patience_s
        self.came: list[bool] = []

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        self.came.append(self._event.wait(self._patience_s))
        return super().predict(batch)


@pytest.mark.parametrize(("photos", "in_flight"), [(1, 0), (1, 1), (1, 2), (3, 0)])
def test_only_a_single_photos_inputs_are_prepared_during_its_pass(
    connection: Redis, monkeypatch: pytest.MonkeyPatch, photos: int, in_flight: int
) -> None:
    prepared = threading.Event()

    def prepare_and_set(*args: Any, **more: Any) -> EncodeInputs:
        inputs = prepare_inputs(*args, **more)
        prepared.set()
        return inputs

    monkeypatch.setattr(worker.pipeline, "prepare_inputs", prepare_and_set)
    is_alone = photos == 1 and in_flight < 2
    predictor = WaitingPredictor(prepared, patience_s=5.0 if is_alone else 0.2)
    data = file_of(photo(), "JPEG", quality=95)
    items = [make_item(connection, str(number), data) for number in range(photos)]
    # The pass keeps the only pool thread busy.
    ended = run(make_pipeline(connection, predictor, threads=1), items, in_flight=in_flight)
    assert [one.error for one in ended] == [None] * photos
    assert predictor.came[0] == is_alone
    options = items[0].request.options
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    centre = CentrePredictor()
    saliency = centre.predict([centre.prepare(Image.fromarray(pixels))])[0].saliency
    inputs = prepare_inputs(
        None, options, read_upright(data, 1, (pixels.shape[1], pixels.shape[0]))
    )
    assert connection.get(image_key("0")) == encode(pixels, saliency, options, inputs).jpeg


def test_an_error_while_inputs_are_prepared_is_the_items_error(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> EncodeInputs:
        raise RuntimeError("no inputs")

    monkeypatch.setattr(worker.pipeline, "prepare_inputs", fail)
    (ended,) = run(make_pipeline(connection), [make_item(connection, "a", file_of(photo()))])
    assert str(ended.error) == "no inputs"


def test_coefficients_that_can_not_be_read_are_tried_once(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    read_source = codec.read_source

    def count_and_read(data: bytes) -> codec.Source:
        tried.append(len(data))
        return read_source(data)

    monkeypatch.setattr(codec, "read_source", count_and_read)
    data = file_of(photo(), "JPEG")
    data = data[:-2] + bytes(5) + data[-2:]  # bits that belong to no block
    (ended,) = run(make_pipeline(connection), [make_item(connection, "a", data)])
    assert ended.error is None
    assert tried == [len(data)]


def test_a_jpeg_goes_through_without_its_pixels(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Image.Image:
        raise AssertionError("decoded")

    monkeypatch.setattr(worker.image.formats.jpeg.reader, "decode", fail)
    data = file_of(photo(), "JPEG", quality=90)
    for number, options in enumerate([{}, {"target": "size"}, {"heatmap": "overlay"}]):
        (ended,) = run(
            make_pipeline(connection), [make_item(connection, str(number), data, **options)]
        )
        assert ended.error is None
        assert ended.result is not None
        assert (ended.result.width_px, ended.result.height_px) == (160, 120)
        jpeg = connection.get(image_key(str(number)))
        assert Image.open(io.BytesIO(jpeg)).size == (160, 120)


def test_the_batch_sizes_of_replies_add_up_to_the_photos(connection: Redis) -> None:
    items = [make_item(connection, str(number), file_of(photo(64, 48))) for number in range(3)]
    run(make_pipeline(connection), items)
    replies = [decode_reply(raw) for raw in connection.lrange(reply_key("me"), 0, -1)]
    assert sorted(reply.batch_size for reply in replies) == [0, 0, 3]


def test_withdrawn_and_overdue_jobs_are_not_processed(connection: Redis) -> None:
    predictor = CentrePredictor()
    items = [
        make_item(connection, "withdrawn", None),
        make_item(connection, "overdue", file_of(photo()), deadline_s=-1),
    ]
    ended = run(make_pipeline(connection, predictor), items)
    assert all(one.withdrawn and one.error is None for one in ended)
    # The bytes of an overdue photo are not even read.
    assert {one.job_id for one in ended if "queue" in one.stage_ms} == {"withdrawn"}
    assert predictor.batch_sizes == []
    assert not connection.exists(reply_key("me"))


@pytest.mark.parametrize("side_by_side", [False, True])
def test_when_a_pass_fails_its_items_run_one_by_one(
    connection: Redis, *, side_by_side: bool
) -> None:
    predictor = CentrePredictor(fails_on_width_px=33, side_by_side=side_by_side)
    items = [
        make_item(connection, "a", file_of(photo(64, 48))),
        make_item(connection, "failing", file_of(photo(33, 48))),
        make_item(connection, "b", file_of(photo(65, 48))),
    ]
    ended = {one.job_id: one for one in run(make_pipeline(connection, predictor), items)}
    assert isinstance(ended["failing"].error, RuntimeError)
    assert ended["a"].error is None
    assert ended["b"].error is None
    assert set(predictor.batch_sizes) == {1}


def test_a_job_whose_deadline_passes_between_stages_is_dropped(connection: Redis) -> None:
    predictor = CentrePredictor()
    working = make_pipeline(connection, predictor)
    one = make_item(connection, "a", file_of(photo()), deadline_s=3600)
    prepare = predictor.prepare

    def prepare_too_late(image: Image.Image) -> np.ndarray:
        one.request = replace(one.request, deadline_unix_s=time.time() - 1)
        return prepare(image)

    predictor.prepare = prepare_too_late  # type: ignore[method-assign]
    (ended,) = run(working, [one])
    assert ended.withdrawn
    assert predictor.batch_sizes == []
    assert not connection.exists(reply_key("me"))


def test_photos_are_open_together_up_to_the_limit_on_pixels_and_a_larger_one_alone(
    connection: Redis,
) -> None:
    working = make_pipeline(connection, max_open_pixels=1_000)
    assert working.fits(5_000)
    one = make_item(connection, "a", file_of(photo(64, 48)))
    one.request = replace(one.request, pixels=400, original_bytes=0)
    working.submit([one])
    assert working.fits(600)
    assert not working.fits(601)
    (ended,) = collect(working, 1)
    assert ended.error is None
    assert working.fits(5_000)
    working.close()


def test_capacity_is_a_batch_before_the_pass_and_three_in_all_stages(connection: Redis) -> None:
    working = make_pipeline(connection, max_batch_size=4, max_open_pixels=1_000)
    found = [working.capacity()]
    for number in range(3):
        one = make_item(connection, str(number), None)
        one.request = replace(one.request, pixels=300, original_bytes=0)
        working.submit([one])
        found.append(working.capacity())
    assert found == [4, 3, 2, 1]
    one = make_item(connection, "last", None)
    one.request = replace(one.request, pixels=100, original_bytes=0)
    working.submit([one])
    assert working.capacity() == 0  # there are as many pixels as may be open
    assert len(collect(working, 4)) == 4
    assert working.capacity() == 4
    working.close()


def test_the_wait_in_the_queue_is_in_ms(connection: Redis) -> None:
    items = [make_item(connection, name, file_of(photo(64, 48))) for name in ("early", "ahead")]
    for one, wait_s in zip(items, (3.0, -3.0), strict=True):
        submitted_unix_s = one.request.submitted_unix_s - wait_s
        one.request = replace(one.request, submitted_unix_s=submitted_unix_s)
    waits_ms = {one.job_id: one.stage_ms["queue"] for one in run(make_pipeline(connection), items)}
    assert 3000 <= waits_ms["early"] < 30_000
    assert waits_ms["ahead"] == 0.0  # by the clock of another machine


@pytest.mark.parametrize(("name", "pillow_name"), [("avif", "AVIF"), ("jp2", "JPEG2000")])
def test_a_file_is_stored_with_its_format(connection: Redis, name: str, pillow_name: str) -> None:
    item = make_item(connection, "job", file_of(photo(160, 120)), format=name)
    [ended] = run(make_pipeline(connection), [item])
    assert ended.error is None
    stored = connection.get(image_key("job"))
    assert isinstance(stored, bytes)
    with Image.open(io.BytesIO(stored)) as opened:
        assert (opened.format, opened.size) == (pillow_name, (160, 120))
    reply = decode_reply(connection.lpop(reply_key("me")))  # type: ignore[arg-type]
    assert getattr(reply, "format", None) == name


def test_an_avif_whose_client_leaves_stops_between_two_passes(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its further passes would take seconds of a core."""
    passes: list[float] = []
    write = codec.avif.encode.write_avif

    def leave(*arguments: Any, **options: Any) -> bytes:
        passes.append(time.monotonic())
        connection.delete(input_key("job"))
        time.sleep(3 * worker.pipeline.WATCH_INTERVAL_S)  # an encode of a large photo
        return write(*arguments, **options)

    monkeypatch.setattr("codec.avif.encode.write_avif", leave)
    options = {"format": "avif", "target": "size", "max_bytes": 900}
    item = make_item(connection, "job", file_of(photo(160, 120)), **options)
    pipeline = make_pipeline(connection)
    pipeline.submit([item])
    deadline_s = time.monotonic() + 30
    ended: list[Any] = []
    while not ended and time.monotonic() < deadline_s:
        ended = pipeline.advance(0.05)
    pipeline.close()
    assert [one.withdrawn for one in ended] == [True]
    assert ended[0].error is None
    assert len(passes) == 1
    assert connection.get(image_key("job")) is None


def test_a_jp2_whose_client_leaves_stops_openjpeg(connection: Redis) -> None:
    """A large photo takes OpenJPEG seconds of a core."""
    pixels = np.random.default_rng(1).integers(0, 256, (3000, 4000, 3), np.uint8)
    item = make_item(connection, "job", file_of(pixels, "BMP"), format="jp2")
    pipeline = make_pipeline(connection, max_pixels=20_000_000)
    pipeline.submit([item])
    deadline_s = time.monotonic() + 60
    while pipeline._flow.slow_items == 0:
        assert time.monotonic() < deadline_s
        assert pipeline.advance(0.05) == []
    connection.delete(input_key("job"))
    left_s = time.monotonic()
    ended: list[Any] = []
    while not ended and time.monotonic() < deadline_s:
        ended = pipeline.advance(0.05)
    assert time.monotonic() - left_s < 4
    pipeline.close()
    assert [(one.withdrawn, one.error) for one in ended] == [(True, None)]
    assert connection.get(image_key("job")) is None


def test_slow_photos_leave_room_for_others_up_to_a_number(connection: Redis) -> None:
    pipeline = make_pipeline(connection, CentrePredictor(side_by_side=True), threads=1)
    flow = pipeline._flow
    rooms = {}
    for slow_items in range(8):
        flow.slow_items = flow.open_items = slow_items
        rooms[slow_items] = pipeline.capacity() > 0
    most = worker.pipeline.MAX_SLOW_PER_THREAD + 2
    assert rooms == {slow_items: slow_items < most for slow_items in range(8)}
    flow.slow_items, flow.open_items = 3, 5
    assert pipeline.capacity() == 0
    pipeline.close()
