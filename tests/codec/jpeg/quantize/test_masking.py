import numpy as np
import pytest

from codec.jpeg.quantize.masking import (
    measure_activity,
    normalize_weights,
    weigh_darkness,
    weigh_masking,
)
from codec.jpeg.transform.dct import transform
from tests.codec.pictures import scene


def test_errors_weigh_less_in_texture_and_nearly_1_at_an_edge() -> None:
    calm = np.zeros((8, 8), np.float32)
    edge = np.where(np.arange(8) < 4, -40, 40) * np.ones((8, 1))
    texture = np.random.default_rng(10).normal(0, 40, (8, 8))
    plane = np.hstack([calm, edge, texture]).astype(np.float32)
    weights = weigh_masking(measure_activity(transform(plane)), 0.35, 50.0)[0]
    assert weights[0] == 1.0
    assert weights[0] > weights[1] > weights[2]


def test_without_masking_weights_are_equal() -> None:
    plane = scene(16, 24)[..., 0].astype(np.float32)
    assert (weigh_masking(measure_activity(transform(plane)), 0.0, 50.0) == 1).all()


def test_errors_weigh_more_in_the_dark_only() -> None:
    plane = np.repeat(np.array([0.0, 40.0, 255.0], np.float32), 8)[None] * np.ones(
        (8, 1), np.float32
    )
    black, dark, white = weigh_darkness(transform(plane - np.float32(128.0)), 2.0)[0]
    assert black == pytest.approx(3.0)
    assert 1.5 < dark < 2.5
    assert white == pytest.approx(1.0)


def test_normalized_weights_have_a_geometric_mean_of_one_and_padding_none() -> None:
    weights = np.random.default_rng(9).uniform(1, 9, (4, 6)).astype(np.float32)
    normalize_weights(weights, 3, 5)
    assert np.exp(np.log(weights[:3, :5]).mean()) == pytest.approx(1, rel=1e-5)
    assert not weights[3:].any()
    assert not weights[:, 5:].any()
