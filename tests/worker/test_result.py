"""Results: pass-through, colours, and a JPEG that does not depend on the heatmap."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import thash
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from contract.errors import MaxBytesError
from contract.keys import heatmap_key, image_key, reply_key
from contract.messages import Heatmap, Region, Result, decode_reply
from model.prediction import Prediction
from tests.photos import file_of, photo, psnr
from tests.worker.centre_predictor import CentrePredictor
from tests.worker.image.ultra_hdr import UltraHdr, read_with_libultrahdr
from tests.worker.pipelines import make_item, make_pipeline, run
from worker.image.heatmap import CLASS_COLOURS
from worker.image.thumbnail import hash_thumbnail


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


@pytest.mark.parametrize("heatmap", ["none", "map", "overlay", "classes"])
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


def crop(connection: Redis, data: bytes, **options: Any) -> tuple[Result, bytes]:
    """Return the result and the JPEG with `fit=cover`."""
    run(make_pipeline(connection), [make_item(connection, "a", data, fit="cover", **options)])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    return reply, connection.get(image_key("a"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_a_crop_has_exactly_its_sides_in_every_orientation(
    connection: Redis, format_name: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(photo(160, 120), format_name, exif=exif)
    across, down = (160, 120) if orientation < 5 else (120, 160)
    for size in ((30, 60), (60, 30), (64, down), (across, 48), (1, 1)):
        result, jpeg = crop(connection, data, width=size[0], height=size[1])
        assert Image.open(io.BytesIO(jpeg)).size == size == (result.width_px, result.height_px)
        assert not result.passthrough
        assert result.crop is not None
        # All of one side is kept.
        assert 1.0 in {result.crop["width"], result.crop["height"]}
        scale = result.crop["width"] * across / (result.crop["height"] * down)
        # The scaled photo has whole pixels.
        assert scale == pytest.approx(size[0] / size[1], rel=1 / min(size))


@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_a_crop_is_the_named_part(connection: Redis, format_name: str) -> None:
    pixels = photo(160, 120)
    data = file_of(pixels, format_name, **({"quality": 95} if format_name == "JPEG" else {}))
    for gravity, left in (("west", 0), ("centre", 55), ("east", 110), ("0.5,0", 55)):
        result, jpeg = crop(connection, data, width=50, height=120, gravity=gravity, quality=95)
        assert result.crop == {"x": left / 160, "y": 0, "width": 50 / 160, "height": 1}
        shown = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert psnr(shown, pixels[:, left : left + 50]) > 30, gravity


def test_a_photo_that_is_too_small_is_cropped_to_the_shape(connection: Redis) -> None:
    for format_name in ("JPEG", "PNG"):
        data = file_of(photo(160, 120), format_name)
        _, jpeg = crop(connection, data, width=900, height=1600)
        assert Image.open(io.BytesIO(jpeg)).size == (68, 120)
        again, repeated = crop(connection, jpeg, width=900, height=1600)
        assert repeated == jpeg
        assert again.passthrough
        assert again.crop == {"x": 0, "y": 0, "width": 1, "height": 1}


def test_without_a_crop_the_result_has_a_focus_and_no_window(connection: Redis) -> None:
    run(make_pipeline(connection), [make_item(connection, "a", file_of(photo()))])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    assert reply.crop is None
    assert reply.focus == {"x": 0.5, "y": 0.5}
    assert reply.regions
    check_region(reply.regions, x=0.375, y=0.375, width=0.25, height=0.25)


def check_region(regions: Sequence[Region], **box: float) -> None:
    """Check that there is one region, at about that place."""
    (region,) = regions
    assert region["class"] == "middle"
    assert 0.75 < region["score"] < 1
    assert region["box"] == pytest.approx(box, abs=0.1)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_regions_and_the_thumbhash_are_those_of_the_crop(
    connection: Redis, format_name: str
) -> None:
    pixels = np.full((120, 160, 3), 32, np.uint8)
    pixels[:, 80:] = (200, 40, 40)
    data = file_of(pixels, format_name)
    # The predictor finds the middle, which is at the left edge of the right half.
    result, jpeg = crop(connection, data, width=80, height=120, gravity="east")
    assert result.regions
    check_region(result.regions, x=0, y=0.375, width=0.25, height=0.25)
    assert result.thumbhash
    shown = np.asarray(Image.open(io.BytesIO(jpeg)))
    compare_thumbhashes(result.thumbhash, hash_thumbnail(shown, (80, 120)))
    # The middle is not in a crop of an edge.
    result, _ = crop(connection, data, width=40, height=120, gravity="east")
    assert result.regions == []


class BlindPredictor(CentrePredictor):
    """Finds no class."""

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return the saliency maps only."""
        none = np.zeros(0, np.float32)
        return [
            Prediction(found.saliency, (), none, np.zeros((0, 4, 4), np.float32))
            for found in super().predict(batch)
        ]


class TwoClassesPredictor(CentrePredictor):
    """Finds a less probable class where the map is high, and a more probable one where it is low."""

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return the same for all photos."""
        saliency = np.full((8, 8), 0.1, np.float32)
        saliency[:, 4:] = 1.0
        maps = np.full((2, 40, 40), 1e-3, np.float32)
        maps[0, :, :20] = maps[1, :, 20:] = 2.0
        found = Prediction(saliency, ("left", "right"), np.array([0.9, 0.5], np.float32), maps)
        return [found] * len(batch)


def test_colours_go_by_the_order_of_regions(connection: Redis) -> None:
    data = file_of(np.full((240, 320, 3), 128, np.uint8))
    item = make_item(connection, "a", data, heatmap="classes")
    run(make_pipeline(connection, TwoClassesPredictor()), [item])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    assert reply.regions
    assert [region["class"] for region in reply.regions] == ["right", "left"]
    with Image.open(io.BytesIO(connection.get(heatmap_key("a")))) as shown:
        pixels = np.asarray(shown).astype(int)[20:120]
    orange, blue = CLASS_COLOURS[:2]
    for part, colour in ((pixels[:, 200:300], orange), (pixels[:, 20:120], blue)):
        found = part.mean(axis=(0, 1)) - 128
        assert np.corrcoef(found, np.array(colour) - 128)[0, 1] > 0.99


@pytest.mark.parametrize("fit", ["inside", "cover"])
def test_a_photo_of_no_known_class_has_no_regions(connection: Redis, fit: str) -> None:
    options = {"width": 80, "height": 100, "fit": fit, "heatmap": "classes"}
    item = make_item(connection, "a", file_of(photo()), **options)
    run(make_pipeline(connection, BlindPredictor()), [item])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    assert reply.regions == []
    with Image.open(io.BytesIO(connection.get(heatmap_key("a")))) as shown:
        assert shown.size == (reply.width_px, reply.height_px)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_the_thumbhash_is_that_of_the_upright_photo(
    connection: Redis, format_name: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((120, 160, 3), np.uint8)
    pixels[:60, :40] = (200, 120, 0)
    data = file_of(pixels, format_name, exif=exif)
    run(make_pipeline(connection), [make_item(connection, "a", data)])
    reply = decode_reply(connection.lpop(reply_key("me")))
    assert isinstance(reply, Result)
    assert reply.thumbhash
    with Image.open(io.BytesIO(connection.get(image_key("a")))) as shown:
        compare_thumbhashes(reply.thumbhash, hash_thumbnail(np.asarray(shown), shown.size))


def compare_thumbhashes(one: str, other: str) -> None:
    """Check that two hashes show about the same: the network's input is not the JPEG."""
    shown = [thash.thumb_hash_to_rgba(list(base64.b64decode(each))) for each in (one, other)]
    assert shown[0][:2] == shown[1][:2]
    first, second = (np.frombuffer(bytes(pixels), np.uint8).astype(int) for *_, pixels in shown)
    assert np.abs(first - second).mean() < 4


@pytest.mark.parametrize("heatmap", ["map", "overlay"])
@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_a_heatmap_shows_the_crop(connection: Redis, heatmap: Heatmap, format_name: str) -> None:
    # The predictor finds the middle salient, which is at the left edge of the right half.
    data = file_of(np.full((120, 160, 3), 128, np.uint8), format_name)
    crop(connection, data, width=80, height=120, gravity="east", heatmap=heatmap)
    with Image.open(io.BytesIO(connection.get(heatmap_key("a")))) as opened:
        assert opened.size == (80, 120)
        level = np.asarray(opened.convert("L")).astype(int)
    assert level[50:70, :10].mean() > level[50:70, 40:].mean() + 30
    assert level[50:70, :10].mean() > level[:20].mean() + 30


@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_the_maps_of_classes_show_the_crop(connection: Redis, format_name: str) -> None:
    data = file_of(np.full((120, 160, 3), 128, np.uint8), format_name)
    crop(connection, data, width=80, height=120, gravity="east", heatmap="classes")
    with Image.open(io.BytesIO(connection.get(heatmap_key("a")))) as opened:
        assert opened.size == (80, 120)
        pixels = np.asarray(opened).astype(int)
    orange = pixels[..., 0] - pixels[..., 2]
    assert orange[50:70, :10].mean() > 100
    assert np.abs(orange[:20]).max() < 10
    assert np.abs(orange[50:70, 40:]).max() < 10


def test_a_gain_map_and_places_in_metadata_follow_the_crop(connection: Redis) -> None:
    upload = UltraHdr()
    width, height = upload.photo.shape[1], upload.photo.shape[0]
    _, jpeg = crop(
        connection, upload.write(), width=width // 2, height=height, gravity="east", hdr="keep"
    )
    kept, _ = read_with_libultrahdr(jpeg)
    assert kept.shape[0] == upload.gain_map.shape[0]
    assert abs(kept.shape[1] - upload.gain_map.shape[1] / 2) <= 1
    half = upload.gain_map[:, -kept.shape[1] :]
    assert np.abs(kept.astype(int) - half).mean() < 4
