import numpy as np
import pytest

from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.idct import inverse_transform


def basis() -> np.ndarray:
    """Return A.3.3's one-dimensional transform: (frequency, sample)."""
    u, x = np.mgrid[0:8, 0:8]
    return np.cos((2 * x + 1) * u * np.pi / 16) * np.where(u == 0, np.sqrt(1 / 8), 0.5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3)])
def test_samples_are_those_of_the_sum_of_a_3_3(shape: tuple[int, int]) -> None:
    coefs = np.random.default_rng(0).normal(0, 100, (*shape, 64)).astype(np.float32)
    natural = coefs[..., NATURAL_TO_ZIGZAG].reshape(*shape, 8, 8).astype(np.float64)
    expected = np.einsum("ux,vy,abuv->axby", basis(), basis(), natural)
    assert (
        np.abs(inverse_transform(coefs) - expected.reshape(8 * shape[0], 8 * shape[1])).max() < 1e-3
    )


def test_it_undoes_the_forward_transform() -> None:
    plane = np.random.default_rng(1).uniform(-128, 127, (24, 40)).astype(np.float32)
    assert np.abs(inverse_transform(transform(plane)) - plane).max() < 1e-3
