import io

import numpy as np
from PIL import Image

from codec.chroma import halve, restore
from tests.codec.pictures import noise


def test_every_sample_is_the_mean_of_four() -> None:
    plane = np.random.default_rng(1).normal(size=(6, 10)).astype(np.float32)
    expected = plane.reshape(3, 2, 5, 2).mean(axis=(1, 3))
    assert np.allclose(halve(plane), expected, atol=1e-6)


def test_halves_are_restored_as_a_decoder_does() -> None:
    small = noise(8, 8)[..., 1]
    # One flat block of luma per MCU, so that the decoder's colours show its chroma planes alone.
    pixels = np.full((16, 16, 3), 128, np.uint8)
    pixels[..., 2] = 64 + np.kron(small // 2, np.ones((2, 2), np.uint8))
    file = io.BytesIO()
    Image.fromarray(pixels, "YCbCr").save(file, "JPEG", quality=100, subsampling="4:2:0")
    with Image.open(file) as opened:
        opened.draft("YCbCr", None)
        decoded = np.asarray(opened, np.float64)[..., 2]
    expected = restore((64 + small // 2).astype(np.float32))
    assert np.abs(decoded - expected).max() < 3
    assert np.abs(decoded - pixels[..., 2]).max() > 10


def test_what_does_not_vary_is_restored_exactly() -> None:
    assert (restore(np.full((1, 3), 7.5, np.float32)) == 7.5).all()
