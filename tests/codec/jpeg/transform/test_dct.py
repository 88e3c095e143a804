import math

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.syntax.tables import NATURAL_TO_ZIGZAG
from codec.jpeg.transform.dct import transform


def plain_dct(block: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of T.81 A.3.3 as it is printed."""
    coefs = np.zeros((8, 8))
    for v in range(8):
        for u in range(8):
            scale = (math.sqrt(0.5) if u == 0 else 1) * (math.sqrt(0.5) if v == 0 else 1) / 4
            coefs[v, u] = scale * sum(
                float(block[y, x])
                * math.cos((2 * x + 1) * u * math.pi / 16)
                * math.cos((2 * y + 1) * v * math.pi / 16)
                for y in range(8)
                for x in range(8)
            )
    return coefs


def test_coefs_are_those_of_the_standards_sum() -> None:
    plane = np.random.default_rng(2).uniform(-128, 127, (16, 24)).astype(np.float32)
    coefs = transform(plane)
    for by in range(2):
        for bx in range(3):
            block = plane[8 * by : 8 * by + 8, 8 * bx : 8 * bx + 8]
            natural = coefs[by, bx][NATURAL_TO_ZIGZAG].reshape(8, 8)
            assert np.allclose(natural, plain_dct(block), atol=2e-3)


def test_a_flat_block_has_eight_times_its_level_as_dc() -> None:
    coefs = transform(np.full((8, 8), 5.0, np.float32))
    assert np.allclose(coefs[0, 0], [40.0] + [0.0] * 63, atol=1e-5)


def test_energy_is_kept() -> None:
    plane = np.random.default_rng(3).normal(0, 40, (64, 64)).astype(np.float32)
    assert np.isclose((transform(plane) ** 2).sum(), (plane**2).sum(), rtol=1e-5)
