"""The encoder keeps its promise on bytes and on quality where the map is high."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg2000.encode import encode
from codec.settings import EncodeSettings, OutOfReachError
from tests.codec.pictures import noise, scene, sky, spot


def decode(data: bytes) -> NDArray[np.float64]:
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == "JPEG2000"
        return np.asarray(opened, np.float64)


def psnr(data: bytes, image: NDArray[np.uint8], where: Any = ...) -> float:
    error = np.mean((decode(data)[where] - image[where]) ** 2)
    return float(10 * np.log10(255**2 / error))


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [20, 50, 75, 95])
def test_size_is_that_of_the_reference(quality: int, progressive: bool, grey: bool) -> None:
    image = np.ascontiguousarray(scene(240, 320)[..., 0] if grey else scene(240, 320))
    settings = EncodeSettings(quality=quality, progressive=progressive)
    encoded = encode(image, spot(9, 12), settings)
    assert encoded.reference_bytes == measure_reference(image, quality)
    assert 0.99 * encoded.reference_bytes < len(encoded.data) <= encoded.reference_bytes
    assert decode(encoded.data).shape == image.shape


def test_salient_pixels_gain_and_others_pay() -> None:
    image, saliency = scene(320, 480), spot(20, 30)
    settings = EncodeSettings(quality=75)
    mapped, even = encode(image, saliency, settings), encode(image, None, settings)
    y, x = np.mgrid[0:320, 0:480]
    looked_at = np.hypot(y / 320 - 0.5, x / 480 - 0.3) < 0.15
    assert psnr(mapped.data, image, looked_at) > psnr(even.data, image, looked_at) + 2
    assert psnr(mapped.data, image, ~looked_at) < psnr(even.data, image, ~looked_at)


def test_strength_0_and_a_constant_map_are_no_map() -> None:
    image = scene(100, 150)
    plain = encode(image, None, EncodeSettings()).data
    assert encode(image, spot(9, 9), EncodeSettings(strength=0.0)).data == plain
    assert encode(image, np.full((9, 9), 0.4, np.float32), EncodeSettings()).data == plain


def test_more_strength_is_more_for_salient_pixels() -> None:
    image, saliency = scene(320, 480), spot(20, 30)
    found = []
    for strength in (0.0, 0.3, 0.6, 1.0):
        data = encode(image, saliency, EncodeSettings(strength=strength)).data
        found.append(psnr(data, image, np.s_[130:190, 110:180]))
    assert found == sorted(found)


def test_max_bytes_is_kept() -> None:
    image = scene(200, 300)
    for limit in (400, 3000, 10**6):
        encoded = encode(image, spot(9, 9), EncodeSettings(max_bytes=limit))
        assert len(encoded.data) <= limit


def test_an_impossible_max_bytes_names_the_smallest_file() -> None:
    image = scene(200, 300)
    with pytest.raises(OutOfReachError, match="at most 100 bytes") as caught:
        encode(image, None, EncodeSettings(max_bytes=100))
    smallest = caught.value.smallest_bytes
    assert len(encode(image, None, EncodeSettings(max_bytes=smallest)).data) == smallest


def test_nearly_all_detail_is_kept_where_bytes_allow() -> None:
    image = scene(60, 80)
    data = encode(image, None, EncodeSettings(), reference_bytes=10**6).data
    assert psnr(data, image) > 50


def test_equal_calls_give_equal_bytes() -> None:
    image = scene(100, 150)
    files = {encode(image, spot(9, 9), EncodeSettings()).data for _ in range(2)}
    assert len(files) == 1


@pytest.mark.parametrize(
    ("image", "saliency", "reason"),
    [
        (np.zeros((9, 9, 4), np.uint8), None, "image must have shape"),
        (np.zeros((9, 9), np.float32), None, "uint8"),
        (np.zeros((0, 9), np.uint8), None, "sides"),
        (sky(9, 9), np.full((3, 3), np.nan, np.float32), "saliency"),
        (sky(9, 9), np.zeros((3, 3)), "float32"),
    ],
)
def test_other_arrays_are_refused(image: Any, saliency: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode(image, saliency, EncodeSettings())


def test_noise_fills_its_bytes() -> None:
    image = noise(100, 120)
    encoded = encode(image, spot(5, 5), EncodeSettings(quality=90))
    assert 0.99 * encoded.reference_bytes < len(encoded.data) <= encoded.reference_bytes
