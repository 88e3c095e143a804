import numpy as np

from codec.chroma import halve


def test_every_sample_is_the_mean_of_four() -> None:
    plane = np.random.default_rng(1).normal(size=(6, 10)).astype(np.float32)
    expected = plane.reshape(3, 2, 5, 2).mean(axis=(1, 3))
    assert np.allclose(halve(plane), expected, atol=1e-6)
