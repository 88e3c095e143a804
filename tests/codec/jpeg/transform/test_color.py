import numpy as np
from PIL import Image

from codec.jpeg.transform.color import convert_grey, convert_rgb
from tests.codec.pictures import noise


def test_ycbcr_is_pillows_before_rounding() -> None:
    image = noise(9, 17)
    ours = np.stack(convert_rgb(image, 16, 32), axis=-1)[:9, :17] + (128.0)
    theirs = np.asarray(Image.fromarray(image).convert("YCbCr"), np.float64)
    assert np.abs(ours - theirs).max() < 1.01
    assert abs((ours - theirs).mean()) < 0.5


def test_primaries_have_the_values_of_t871() -> None:
    red = np.array([[[255, 0, 0]]], np.uint8)
    y, cb, cr = (float(plane[0, 0]) for plane in convert_rgb(red, 8, 8))
    assert np.allclose((y, cb, cr), (0.299 * 255 - 128, -0.168736 * 255, 127.5), atol=1e-3)


def test_padding_repeats_the_last_row_and_column() -> None:
    image = noise(3, 5)[..., 0]
    plane = convert_grey(image, 8, 16) + 128
    assert np.array_equal(plane, np.pad(image, ((0, 5), (0, 11)), mode="edge"))


def test_grey_pixels_have_no_chroma() -> None:
    grey = np.repeat(noise(8, 8)[..., :1], 3, axis=2)
    _, cb, cr = convert_rgb(grey, 8, 8)
    assert max(np.abs(cb).max(), np.abs(cr).max()) < 1e-4
