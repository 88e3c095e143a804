"""A job gets one reply, also when Redis is full or has lost the script."""

import io

from PIL import Image
from redis import Redis

from contract.keys import (
    RECORD_TTL_FACTOR,
    heatmap_key,
    image_key,
    input_key,
    record_key,
    reply_key,
)
from contract.messages import Result, decode_reply
from tests.photos import file_of, photo
from tests.worker.pipelines import make_item, make_pipeline, run
from worker.item import Item


def test_results_are_stored_and_sent_with_a_time_to_live(connection: Redis) -> None:
    data = file_of(photo(), "JPEG", quality=95)
    (ended,) = run(
        make_pipeline(connection), [make_item(connection, "a", data, target="size", heatmap="map")]
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
    # Clients may ask for a job, and learn that its pictures are gone, longer than these are kept.
    for key, ttl_s in ((image_key, 30), (heatmap_key, 30), (record_key, RECORD_TTL_FACTOR * 30)):
        assert ttl_s - 15 < connection.ttl(key("a")) <= ttl_s
    assert RECORD_TTL_FACTOR > 1
    assert all(connection.ttl(key) > 0 for key in connection.scan_iter())


def test_a_full_redis_still_accepts_results(connection: Redis) -> None:
    items = [make_item(connection, "a", file_of(photo()))]
    connection.config_set("maxmemory", "1")
    try:
        (ended,) = run(make_pipeline(connection), items)
    finally:
        connection.config_set("maxmemory", "1gb")
    assert ended.is_open
    assert connection.llen(reply_key("me")) == 1
    assert connection.exists(image_key("a"))
    assert not connection.exists(input_key("a"))


def test_the_script_is_loaded_again_when_redis_has_lost_it(connection: Redis) -> None:
    for number in range(2):
        connection.script_flush()
        (ended,) = run(
            make_pipeline(connection), [make_item(connection, str(number), file_of(photo()))]
        )
        assert ended.error is None
        assert not ended.withdrawn
        assert connection.exists(image_key(str(number)))


def test_a_job_that_two_workers_run_gets_one_reply(connection: Redis) -> None:
    """A worker that was taken for dead finishes after another one that ran its job."""
    data = file_of(photo())
    slow, fast = make_pipeline(connection), make_pipeline(connection)
    late = make_item(connection, "a", data)
    slow.submit([late])
    while "queue" not in late.stage_ms:
        slow.advance(0.001)
    run(fast, [make_item(connection, "a", data)])
    connection.delete(image_key("a"))  # as its front end does
    ended: list[Item] = []
    while not ended:
        ended = slow.advance(1.0)
    assert ended[0].withdrawn
    assert connection.llen(reply_key("me")) == 1
    assert not connection.exists(image_key("a"))
