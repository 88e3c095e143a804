import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.encode import encode
from codec.jpeg.transform.chroma_resampling import halve, subsample_plane, upsample
from codec.settings import EncodeSettings
from tests.codec.pictures import noise


def test_every_sample_is_the_mean_of_four() -> None:
    plane = np.random.default_rng(1).normal(size=(6, 10)).astype(np.float32)
    expected = plane.reshape(3, 2, 5, 2).mean(axis=(1, 3))
    assert np.allclose(halve(plane), expected, atol=1e-6)


def enlarge(halved: NDArray[np.float32]) -> NDArray[np.float32]:
    """Upsample as libjpeg's h2v2_fancy_upsample: 3/4 of the nearest sample and 1/4 of the next."""
    for _ in range(2):
        before = np.concatenate([halved[:1], halved[:-1]])
        after = np.concatenate([halved[1:], halved[-1:]])
        wide = np.stack([0.75 * halved + 0.25 * before, 0.75 * halved + 0.25 * after], axis=1)
        halved = wide.reshape(-1, halved.shape[1]).T
    return halved


def test_an_upsampled_plane_is_nearer_to_the_original_than_that_of_means() -> None:
    noise = np.random.default_rng(2).normal(size=(12, 16)).astype(np.float32)
    plane = enlarge(enlarge(noise))  # as smooth as chroma is
    errors = [np.square(enlarge(way(plane)) - plane).mean() for way in (halve, subsample_plane)]
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("shape", [(2, 2), (2, 10), (8, 2), (6, 14)])
def test_the_means_are_corrected_once_by_the_error_of_upsampling(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    means = halve(plane)
    assert np.allclose(subsample_plane(plane), means + (means - halve(enlarge(means))), atol=1e-5)


def test_a_flat_plane_stays_flat() -> None:
    assert np.allclose(subsample_plane(np.full((6, 8), 37.5, np.float32)), 37.5)


def test_a_plane_is_upsampled_as_by_pillow() -> None:
    small = noise(8, 8)[..., 1]
    # Luma is flat, so that the decoded colours show the chroma planes alone.
    pixels = np.full((16, 16, 3), 128, np.uint8)
    pixels[..., 2] = 64 + np.kron(small // 2, np.ones((2, 2), np.uint8))
    file = io.BytesIO()
    Image.fromarray(pixels, "YCbCr").save(file, "JPEG", quality=100, subsampling="4:2:0")
    with Image.open(file) as opened:
        opened.draft("YCbCr", None)
        decoded = np.asarray(opened, np.float64)[..., 2]
    expected = upsample((64 + small // 2).astype(np.float32))
    assert np.abs(decoded - expected).max() < 3
    assert np.abs(decoded - pixels[..., 2]).max() > 10


def test_a_constant_plane_is_upsampled_exactly() -> None:
    assert (upsample(np.full((1, 3), 7.5, np.float32)) == 7.5).all()


@pytest.mark.parametrize("side", [2, 16])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("colours", [((255, 0, 0), (0, 255, 255)), ((0, 0, 255), (255, 255, 0))])
def test_coefficients_of_opposite_colours_fit_8_bit_files(
    side: int, progressive: bool, colours: tuple[tuple[int, ...], ...]
) -> None:
    y, x = np.mgrid[:64, :64] // side
    image = np.array(colours, np.uint8)[(y + x) % 2]
    for quality in (50, 100):
        settings = EncodeSettings(quality, subsampling="420", progressive=progressive)
        # The reader refuses size categories above 11 for DC and 10 for AC.
        source = read_source(encode(image, None, settings).jpeg)
        for qcoefs, steps in zip(source.qcoefs, source.quant_tables, strict=True):
            # Rounding may add half a step.
            assert (np.abs(qcoefs * steps.astype(np.int64)) <= 1024 + steps // 2).all()
