"""What the options of an AVIF promise, and what its files hold."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.avif.libaom import MAX_SIDE_PX, read_avif
from tests.codec.avif.pictures import soft_scene
from tests.codec.pictures import noise, scene, sky, spot
from tests.photos import psnr

PHOTO = soft_scene(384, 512)
SPOT = spot(48, 64)


def encode(image: NDArray[np.uint8] = PHOTO, **options: Any) -> codec.Encoded:
    return codec.encode_avif(image, SPOT, codec.EncodeSettings(**options))


@pytest.mark.parametrize("quality", [30, 60, 85])
def test_size_is_that_of_the_reference(quality: int) -> None:
    encoded = encode(quality=quality)
    assert encoded.reference_bytes == codec.measure_reference(PHOTO, quality)
    assert len(encoded.data) == pytest.approx(encoded.reference_bytes, rel=0.01)
    assert encoded.passes <= 5


@pytest.mark.parametrize("quality", [30, 60, 85])
def test_quality_takes_fewer_bytes_than_size(quality: int) -> None:
    encoded = encode(quality=quality, target="quality")
    assert len(encoded.data) < encoded.reference_bytes
    assert encoded.passes <= 3


def test_quality_and_floor_hold_the_errors_of_their_regions() -> None:
    plain, high_floor = (encode(target="quality", floor=floor) for floor in (None, 75))
    assert len(plain.data) < len(high_floor.data)
    assert len(encode(target="quality", quality=50).data) < len(plain.data)


@pytest.mark.parametrize("target", ["size", "quality"])
@pytest.mark.parametrize("max_bytes", [2000, 6000])
def test_max_bytes_is_kept_and_used(target: str, max_bytes: int) -> None:
    encoded = encode(target=target, max_bytes=max_bytes)
    assert 0.85 * max_bytes < len(encoded.data) <= max_bytes


def test_max_bytes_out_of_reach_names_the_smallest_file() -> None:
    with pytest.raises(codec.OutOfReachError) as caught:
        encode(max_bytes=300)
    smallest = caught.value.smallest_bytes
    assert (caught.value.max_bytes, len(encode(max_bytes=smallest).data)) == (300, smallest)


def test_max_bytes_includes_the_metadata_and_the_target_does_not() -> None:
    metadata = codec.Metadata(exif=b"MM\0*\0\0\0\x08\0\0\0\0\0\0", xmp=b"<x/>" * 500)
    settings = codec.EncodeSettings(quality=60)
    with_it = codec.encode_avif(PHOTO, SPOT, settings, metadata=metadata)
    without = codec.encode_avif(PHOTO, SPOT, settings)
    assert np.array_equal(read_avif(with_it.data), read_avif(without.data))
    assert 2000 < len(with_it.data) - len(without.data) < 2200
    capped = codec.EncodeSettings(quality=60, max_bytes=6000)
    assert len(codec.encode_avif(PHOTO, SPOT, capped, metadata=metadata).data) <= 6000


def test_metadata_is_kept_byte_for_byte() -> None:
    artist = "José".encode() + b"\0"
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x3b\0\x02\0\0\0\x06\0\0\0\x1a\0\0\0\0" + artist
    profile = b"profile" * 40
    metadata = codec.Metadata(exif, b"<x:xmpmeta/>", b"")
    settings = codec.EncodeSettings(quality=20)
    data = codec.encode_avif(PHOTO, SPOT, settings, metadata=metadata).data
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.info["exif"] == exif
        assert opened.info["xmp"] == b"<x:xmpmeta/>"
        assert "icc_profile" not in opened.info
    data = codec.encode_avif(PHOTO, SPOT, settings, metadata=codec.Metadata(profile=profile)).data
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.info["icc_profile"] == profile


def test_the_map_moves_quality_and_strength_moves_more_of_it() -> None:
    hot = spot(*PHOTO.shape[:2])
    hot = hot >= np.quantile(hot, 0.75)
    found = []
    for strength in (0.0, 0.6, 1.0):
        shown = read_avif(encode(quality=50, strength=strength).data)
        found.append((psnr(shown[hot], PHOTO[hot]), psnr(shown[~hot], PHOTO[~hot])))
    assert found[0][0] + 0.5 < found[1][0]
    assert found[1][0] - 0.1 < found[2][0]
    assert found[0][1] > found[1][1]


def test_grey_photos_stay_grey() -> None:
    grey = PHOTO[..., 1].copy()
    encoded = encode(grey)
    with Image.open(io.BytesIO(encoded.data)) as opened:
        shown = np.asarray(opened.convert("RGB"))
    assert (shown[..., 0] == shown[..., 2]).all()
    assert psnr(shown[..., 0], grey) > 28
    assert len(encoded.data) == pytest.approx(encoded.reference_bytes, rel=0.02)


def test_subsampling_is_as_asked_for() -> None:
    colours = np.zeros((128, 128, 3), np.uint8)
    colours[:, ::2, 0] = 255
    colours[:, 1::2, 2] = 255
    errors = {
        subsampling: np.abs(
            read_avif(encode(colours, quality=95, subsampling=subsampling).data).astype(int)
            - colours
        ).mean()
        for subsampling in ("420", "444")
    }
    assert errors["444"] < errors["420"] / 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (17, 900), (31, 33), (64, 64), (65, 63)])
@pytest.mark.parametrize("target", ["size", "quality"])
def test_every_shape_is_encoded(shape: tuple[int, int], target: str) -> None:
    image = scene(*shape)
    data = encode(image, target=target).data
    assert read_avif(data).shape == image.shape


@pytest.mark.parametrize("image", [noise(96, 96), sky(96, 128), np.zeros((80, 80, 3), np.uint8)])
@pytest.mark.parametrize("quality", [1, 100])
@pytest.mark.parametrize("target", ["size", "quality"])
def test_extremes_are_encoded(image: NDArray[np.uint8], quality: int, target: str) -> None:
    encoded = encode(image, quality=quality, target=target)
    assert read_avif(encoded.data).shape == image.shape
    assert len(encoded.data) <= max(1.01 * encoded.reference_bytes, 1500)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert encode().data == encode().data


def test_a_flat_map_is_no_map() -> None:
    flat = np.full((4, 4), 0.5, np.float32)
    settings = codec.EncodeSettings()
    plain = read_avif(codec.encode_avif(PHOTO, None, settings).data)
    assert np.array_equal(read_avif(codec.encode_avif(PHOTO, flat, settings).data), plain)
    assert np.array_equal(read_avif(encode(strength=0.0).data), plain)


def test_what_check_raises_ends_the_encode_before_the_next_pass() -> None:
    calls = []

    def check() -> None:
        calls.append(None)
        if len(calls) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        codec.encode_avif(PHOTO, SPOT, codec.EncodeSettings(max_bytes=3000), check=check)
    assert len(calls) == 2


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="32768"):
        encode(np.zeros((1, MAX_SIDE_PX + 1), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        encode(np.zeros((8, 8), np.float32))  # type: ignore[arg-type]
