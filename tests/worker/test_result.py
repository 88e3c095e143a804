"""Results: pass-through, colours, and a JPEG that does not depend on the heatmap."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from redis import Redis

from contract.errors import MaxBytesError
from contract.keys import image_key, reply_key
from contract.messages import Heatmap, Result, decode_reply
from tests.photos import file_of, photo
from tests.worker.pipelines import make_item, make_pipeline, run


def compress(connection: Redis, data: bytes, **options: Any) -> tuple[bool, bytes]:
    """Return the result's `passthrough` and its JPEG."""
    run(make_pipeline(connection), [make_item(connection, "a", data, **options)])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    return reply.passthrough, connection.get(image_key("a"))


def test_a_jpeg_that_cannot_become_smaller_passes_through(connection: Redis) -> None:
    data = file_of(photo(), "JPEG", quality=40)
    passthrough, once = compress(connection, data, quality=75, target="size")
    assert not passthrough
    assert len(once) < len(data)
    assert compress(connection, once, quality=75, target="size") == (True, once)
    # The upload is progressive, so a baseline file is always a new one.
    passthrough, baseline = compress(connection, once, quality=75, target="size", progressive=False)
    assert not passthrough
    for shown in (once, baseline):
        assert np.array_equal(*(np.asarray(Image.open(io.BytesIO(j))) for j in (shown, data)))


@pytest.mark.parametrize("orientation", [1, 6])
def test_metadata_and_orientation_do_not_pass_through(connection: Redis, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a secret"
    data = file_of(photo(160, 128), "JPEG", quality=20, exif=exif, subsampling="4:2:0")
    passthrough, jpeg = compress(connection, data, quality=95, target="size")
    assert not passthrough
    assert b"secret" not in jpeg
    assert Image.open(io.BytesIO(jpeg)).size == ((160, 128) if orientation == 1 else (128, 160))


def test_a_damaged_jpeg_that_pillow_decodes_is_encoded_from_its_pixels(connection: Redis) -> None:
    data = file_of(photo(), "JPEG", quality=40)
    damaged = data[:-2] + bytes(5) + data[-2:]
    passthrough, jpeg = compress(connection, damaged, quality=75)
    assert not passthrough
    assert Image.open(io.BytesIO(jpeg)).size == (160, 120)


def test_a_greyscale_photo_stays_greyscale(connection: Redis) -> None:
    run(make_pipeline(connection), [make_item(connection, "a", file_of(photo()[..., 0]))])
    assert Image.open(io.BytesIO(connection.get(image_key("a")))).mode == "L"


@pytest.mark.parametrize("heatmap", ["none", "map", "overlay"])
@pytest.mark.parametrize("format_name", ["PNG", "JPEG"])
def test_the_jpeg_does_not_depend_on_the_heatmap(
    connection: Redis, heatmap: Heatmap, format_name: str
) -> None:
    data = file_of(photo(), format_name)
    run(make_pipeline(connection), [make_item(connection, "plain", data)])
    run(make_pipeline(connection), [make_item(connection, "other", data, heatmap=heatmap)])
    assert connection.get(image_key("plain")) == connection.get(image_key("other"))


def test_pixels_are_freed_after_encoding(connection: Redis) -> None:
    (ended,) = run(make_pipeline(connection), [make_item(connection, "a", file_of(photo()))])
    assert ended.data is None
    assert ended.pixels is None
    assert ended.network_input is None


def test_an_unreachable_max_bytes_does_not_affect_other_photos(connection: Redis) -> None:
    good = file_of(photo())
    items = [
        make_item(connection, "first", good),
        make_item(connection, "tiny", good, max_bytes=200),
        make_item(connection, "last", good),
    ]
    ended = {one.job_id: one for one in run(make_pipeline(connection), items)}
    assert isinstance(ended["tiny"].error, MaxBytesError)
    assert ended["first"].error is None
    assert ended["last"].error is None
    assert connection.get(image_key("first")) == connection.get(image_key("last"))
    assert not connection.exists(image_key("tiny"))
