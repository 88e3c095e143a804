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
from contract.errors import CorruptImageError, MaxBytesError, TooManyPixelsError
from contract.keys import heatmap_key, image_key, input_key, reply_key
from contract.messages import Heatmap, Options, Request, Result, decode_reply
from tests.photos import file_of, photo
from tests.worker.stand_ins import CentrePredictor
from worker.image.encode import EncodeInputs, encode, prepare_inputs
from worker.item import Item
from worker.pipeline import Limits, Pipeline


def pipeline(
    connection: Redis,
    predictor: CentrePredictor | None = None,
    *,
    threads: int = 2,
    pass_threads: int | None = None,
    **limits: float,
) -> Pipeline:
    return Pipeline(
        connection,
        predictor or CentrePredictor(),
        threads=threads,
        limits=Limits(
            # As long as need be: these tests are about what happens to items together.
            **{
                "max_batch_size": 8,
                "max_open_pixels": 10_000_000,
                "max_pixels": 1_000_000,
                "max_linger_ms": 10_000,
                **limits,
            }
        ),
        result_ttl_s=30,
        pass_threads=pass_threads,
    )


def run(pipeline: Pipeline, items: Sequence[Item], *, in_flight: int = 0) -> list[Item]:
    """Return the items in the order of their ends."""
    pipeline.submit(items, in_flight=in_flight)
    ended: list[Item] = []
    while len(ended) < len(items):
        ended += pipeline.advance(1.0)
    pipeline.close()
    return ended


def item(
    connection: Redis,
    job_id: str,
    data: bytes | None,
    *,
    deadline_s: float = 60,
    **options: Any,
) -> Item:
    if data is not None:
        connection.set(input_key(job_id), data, ex=60)
    now_s = time.time()
    chosen = Options(**{"quality": 50, **options})
    return Item(job_id, Request(chosen, "me", len(data or b""), 1, now_s, now_s + deadline_s))


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


def test_an_unreachable_max_bytes_fails_alone(connection: Redis) -> None:
    good = file_of(photo())
    items = [
        item(connection, "first", good),
        item(connection, "tiny", good, max_bytes=200),
        item(connection, "last", good),
    ]
    ended = {one.job_id: one for one in run(pipeline(connection), items)}
    assert isinstance(ended["tiny"].error, MaxBytesError)
    assert ended["first"].error is None
    assert ended["last"].error is None
    assert connection.get(image_key("first")) == connection.get(image_key("last"))
    assert not connection.exists(image_key("tiny"))


def test_results_are_stored_with_a_ttl_and_announced(connection: Redis) -> None:
    data = file_of(photo(), "JPEG", quality=95)
    (ended,) = run(
        pipeline(connection), [item(connection, "a", data, target="size", heatmap="map")]
    )
    assert ended.error is None
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    jpeg = connection.get(image_key("a"))
    assert (reply.width_px, reply.height_px) == (160, 120)
    assert (reply.original_bytes, reply.compressed_bytes) == (len(data), len(jpeg))
    assert abs(reply.compressed_bytes / reply.reference_bytes - 1) <= 0.01
    assert reply.batch_size == 1
    assert set(reply.stage_ms) == {"queue", "decode", "predict", "encode"}
    assert Image.open(io.BytesIO(jpeg)).size == (160, 120)
    assert Image.open(io.BytesIO(connection.get(heatmap_key("a")))).format == "PNG"
    assert not connection.exists(input_key("a"))
    assert all(connection.ttl(key) > 0 for key in connection.scan_iter())


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
def test_only_a_lone_photos_inputs_is_x_its_pass(
    connection: Redis, monkeypatch: pytest.MonkeyPatch, photos: int, in_flight: int
) -> None:
    laid = threading.Event()

    def prepare_and_tell(*args: Any, **more: Any) -> EncodeInputs:
        inputs = prepare_inputs(*args, **more)
        laid.set()
        return inputs

    monkeypatch.setattr(worker.pipeline, "prepare_inputs", prepare_and_tell)
    is_alone = photos == 1 and in_flight < 2
    predictor = MeetingPredictor(laid, patience_s=5.0 if is_alone else 0.2)
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


def test_a_lone_photo_whose_inputs_breaks_fails_with_its_error(
    connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any, **__: Any) -> EncodeInputs:
        raise RuntimeError("no ground")

    monkeypatch.setattr(worker.pipeline, "prepare_inputs", break_down)
    (ended,) = run(pipeline(connection), [item(connection, "a", file_of(photo()))])
    assert str(ended.error) == "no ground"


def passed(connection: Redis, data: bytes, **options: Any) -> tuple[bool, bytes]:
    """Return whether an upload is said to pass, and its JPEG."""
    run(pipeline(connection), [item(connection, "a", data, **options)])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    return reply.passthrough, connection.get(image_key("a"))


def test_a_jpeg_that_cant_be_made_smaller_passes(connection: Redis) -> None:
    data = file_of(photo(), "JPEG", quality=40)
    passthrough, once = passed(connection, data, quality=75, target="size")
    assert not passthrough
    assert len(once) < len(data)
    assert passed(connection, once, quality=75, target="size") == (True, once)
    # As a baseline file it can't be had by passing the progressive one.
    passthrough, baseline = passed(connection, once, quality=75, target="size", progressive=False)
    assert not passthrough
    for shown in (once, baseline):
        assert np.array_equal(*(np.asarray(Image.open(io.BytesIO(j))) for j in (shown, data)))


@pytest.mark.parametrize("orientation", [1, 6])
def test_metadata_and_orientation_never_pass(connection: Redis, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a secret"
    data = file_of(photo(160, 128), "JPEG", quality=20, exif=exif, subsampling="4:2:0")
    passthrough, jpeg = passed(connection, data, quality=95, target="size")
    assert not passthrough
    assert b"secret" not in jpeg
    assert Image.open(io.BytesIO(jpeg)).size == ((160, 128) if orientation == 1 else (128, 160))


def test_what_others_decode_of_a_damaged_jpeg_goes_by_its_pixels(connection: Redis) -> None:
    data = file_of(photo(), "JPEG", quality=40)
    damaged = data[:-2] + bytes(5) + data[-2:]
    passthrough, jpeg = passed(connection, damaged, quality=75)
    assert not passthrough
    assert Image.open(io.BytesIO(jpeg)).size == (160, 120)


def test_a_greyscale_photo_stays_greyscale(connection: Redis) -> None:
    run(pipeline(connection), [item(connection, "a", file_of(photo()[..., 0]))])
    assert Image.open(io.BytesIO(connection.get(image_key("a")))).mode == "L"


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
def test_a_lone_photo_on_a_cpu_has_all_threads_but_one(
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
def test_on_a_cpu_there_is_room_only_until_each_thread_has_a_next_photo(
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


def test_what_waits_for_threads_of_a_cpu_takes_room_too(connection: Redis) -> None:
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


def test_a_finished_photo_is_answered_by_a_full_redis(connection: Redis) -> None:
    items = [item(connection, "a", file_of(photo()))]
    connection.config_set("maxmemory", "1")
    try:
        (ended,) = run(pipeline(connection), items)
    finally:
        connection.config_set("maxmemory", "1gb")
    assert ended.open
    assert connection.llen(reply_key("me")) == 1
    assert connection.exists(image_key("a"))
    assert not connection.exists(input_key("a"))


def test_a_redis_that_has_forgotten_the_script_is_told_it(connection: Redis) -> None:
    for number in range(2):
        connection.script_flush()
        (ended,) = run(pipeline(connection), [item(connection, str(number), file_of(photo()))])
        assert ended.error is None
        assert not ended.withdrawn
        assert connection.exists(image_key(str(number)))


def test_a_photo_is_answered_once_however_many_workers_run_it(connection: Redis) -> None:
    """A worker that was taken for dead comes back while another one has its job."""
    data = file_of(photo())
    slow, fast = pipeline(connection), pipeline(connection)
    late = item(connection, "a", data)
    slow.submit([late])
    while "queue" not in late.stage_ms:
        slow.advance(0.001)
    run(fast, [item(connection, "a", data)])
    connection.delete(image_key("a"))  # as its front end does
    ended: list[Item] = []
    while not ended:
        ended = slow.advance(1.0)
    assert ended[0].withdrawn
    assert connection.llen(reply_key("me")) == 1
    assert not connection.exists(image_key("a"))


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


@pytest.mark.parametrize("heatmap", ["none", "map", "overlay"])
def test_the_jpeg_does_not_depend_on_the_heatmap(connection: Redis, heatmap: Heatmap) -> None:
    data = file_of(photo())
    run(pipeline(connection), [item(connection, "plain", data)])
    run(pipeline(connection), [item(connection, "other", data, heatmap=heatmap)])
    assert connection.get(image_key("plain")) == connection.get(image_key("other"))


def test_pixels_are_let_go_of_once_encoded(connection: Redis) -> None:
    (ended,) = run(pipeline(connection), [item(connection, "a", file_of(photo()))])
    assert ended.data is None
    assert ended.pixels is None
    assert ended.network_input is None
