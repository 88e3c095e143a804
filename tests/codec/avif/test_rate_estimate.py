"""The estimate of each block's bits, compared with a slow one."""

import numpy as np
from scipy.fft import dctn

from codec.avif.rate_estimate import BASIS, estimate_rates
from codec.jpeg.syntax.tables import ZIGZAG_TO_NATURAL
from tests.codec.pictures import noise, scene


def estimate_block(luma: np.ndarray, top: int, left: int, step: float) -> float:
    """Return libaom's estimate with the best of three predictions, as its source has it."""
    block = luma[top : top + 8, left : left + 8]
    above, beside = luma[top - 1, left : left + 8], luma[top : top + 8, left - 1]
    predictions = [
        np.full((8, 8), (above.sum() + beside.sum()) / 16),
        np.tile(above, (8, 1)),
        np.tile(beside[:, None], (1, 8)),
    ]
    coefs = [dctn(block - prediction, norm="ortho") for prediction in predictions]
    best = min(coefs, key=lambda own: np.abs(own).sum())
    levels = np.floor(np.abs(best).ravel()[ZIGZAG_TO_NATURAL] / step + 0.5)
    last = np.flatnonzero(levels)[-1] + 1 if levels.any() else 0
    return float(1 + sum(np.floor(np.log2(1 + n)) + 1 + (n > 0) for n in levels[:last]))


def test_estimates_are_those_of_the_slow_reference() -> None:
    image = scene(48, 64)
    luma = image.astype(np.float64) @ (0.299, 0.587, 0.114)
    for step in (3.0, 12.0, 40.0):
        rates = estimate_rates(image, step)
        assert rates.shape == (3, 4)
        expected = sum(estimate_block(luma, y, x, step) for y in (16, 24) for x in (32, 40))
        assert abs(rates[1, 2] - expected) <= 4  # float32 rounds a level differently


def test_grey_and_odd_sizes_are_estimated() -> None:
    grey = scene(33, 50)[..., 0].copy()
    rates = estimate_rates(grey, 10.0)
    assert rates.shape == (3, 4)
    colour = np.repeat(grey[..., None], 3, -1)
    assert np.allclose(rates, estimate_rates(colour, 10.0), rtol=0.02)


def test_noise_takes_more_than_a_flat_picture() -> None:
    flat = np.full((32, 32, 3), 129, np.uint8)
    assert estimate_rates(flat, 10.0)[1, 1] == 4.0  # one for each block of 8×8
    assert estimate_rates(noise(32, 32), 10.0).min() > 300


def test_the_transform_is_orthonormal() -> None:
    assert np.allclose(BASIS @ BASIS.T, np.eye(8), atol=1e-6)
