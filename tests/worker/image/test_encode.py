"""Each option reaches the encoder; a size that can't be had is the client's error."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from contract.errors import MaxBytesError
from contract.messages import Options
from tests.photos import file_of, photo
from worker.image.decode import decode
from worker.image.encode import encode, prepare_inputs, read_upright

PIXELS = photo()
SALIENCY = np.zeros((8, 8), np.float32)
SALIENCY[3:5, 3:5] = 1.0


def made(**options: Any) -> bytes:
    chosen = Options(**options)
    inputs = prepare_inputs(PIXELS, chosen, upload=None, orientation=None)
    return encode(PIXELS, SALIENCY, chosen, inputs).jpeg


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 40},
        {"target": "size"},
        {"max_bytes": 1200},
        {"strength": 0.0},
        {"floor": 74},
        {"subsampling": "444"},
        {"progressive": False},
    ],
)
def test_every_option_is_the_encoders(options: dict[str, Any]) -> None:
    defaults = {"quality": 75, "target": "quality", "strength": 0.6, "progressive": True}
    expected = codec.encode(PIXELS, SALIENCY, codec.EncodeSettings(**{**defaults, **options}))
    assert made(**options) == expected.jpeg
    assert made(**options) != made()


def test_the_heatmap_is_none_of_its_business() -> None:
    assert made(heatmap="map") == made()


def test_max_bytes_is_kept_and_below_the_smallest_file_an_error_says_so() -> None:
    with pytest.raises(
        MaxBytesError, match=r"max_bytes is 1; the smallest .* has (\d+) bytes"
    ) as e:
        made(max_bytes=1)
    smallest_bytes = int(e.value.detail.split()[-2])
    jpeg = made(max_bytes=smallest_bytes)
    assert 0.97 * smallest_bytes <= len(jpeg) <= smallest_bytes
    Image.open(io.BytesIO(jpeg)).load()
    with pytest.raises(MaxBytesError):
        made(max_bytes=int(0.97 * smallest_bytes))


def test_a_cap_without_effect_however_large_changes_nothing() -> None:
    assert made(max_bytes=2**53 - 1) == made()


def test_a_jpegs_own_coefficients_are_used_where_there_are_any() -> None:
    data = file_of(PIXELS, "JPEG", quality=50)
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    options = Options(target="size")
    inputs = prepare_inputs(pixels, options, upload=data, orientation=1)
    assert inputs.source is not None
    encoded = encode(pixels, SALIENCY, options, inputs)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encoded.jpeg))), pixels)


def test_coefficients_are_turned_as_the_pixels_are() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file_of(photo(160, 128), "JPEG", quality=50, exif=exif, subsampling="4:2:0")
    shown = decode(data, 1_000_000, Options())
    pixels = np.asarray(shown.image)
    assert shown.orientation == 6
    options = Options(target="size")
    inputs = prepare_inputs(pixels, options, upload=data, orientation=6)
    assert inputs.source is not None
    encoded = encode(pixels, SALIENCY, options, inputs)
    made = np.asarray(Image.open(io.BytesIO(encoded.jpeg)))
    assert made.shape == (160, 128, 3)
    assert np.abs(made.astype(int) - pixels).max() <= 3


def test_pixels_are_encoded_where_the_coefficients_cant_be_had() -> None:
    data = file_of(PIXELS, "JPEG", quality=50)
    assert read_upright(data[:-40], 1, PIXELS) is None
    assert read_upright(data, 1, PIXELS[:-1]) is None
    assert read_upright(data, 1, PIXELS[..., 0]) is None
    # 120 rows are seven and a half MCUs of 4:2:0.
    assert read_upright(file_of(PIXELS, "JPEG", subsampling="4:2:0"), 4, PIXELS) is None
