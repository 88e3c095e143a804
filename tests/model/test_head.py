"""The way from class maps to saliency in numpy, held against the network's in torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.config import MSROIConfig
from model.head import Head
from model.maps import normalise, smoothing_matrix
from model.msroi import MSROI, PRIOR_KNOTS

CONFIG = MSROIConfig(("a", "b", "c"), threshold=0.8, smoothing_cells=0.7)


def make_head(config: MSROIConfig = CONFIG) -> Head:
    random = np.random.default_rng(0)
    return Head(
        config,
        random.normal(size=(3, 2)).astype(np.float32),
        random.normal(size=PRIOR_KNOTS).astype(np.float32),
        random.normal(size=PRIOR_KNOTS).astype(np.float32),
    )


@pytest.mark.parametrize("shape", [(12, 40), (20, 20), (40, 9)])
@pytest.mark.parametrize(("levelling", "absent"), [(0.0, 0.01), (0.7, 0.01), (0.7, 0.0)])
def test_the_map_is_that_of_the_network(
    shape: tuple[int, int], levelling: float, absent: float
) -> None:
    config = replace(CONFIG, levelling=levelling)
    head = make_head(config)
    network = MSROI(config)
    for name in ("log_feature_weights", "log_prior_y", "log_prior_x"):
        getattr(network, name).data = torch.from_numpy(getattr(head, name))
    class_maps = np.random.default_rng(1).lognormal(-1, 1, (6, *shape)).astype(np.float32)
    class_maps[2:4] *= absent  # the second class is absent, the third in a corner
    class_maps[4:] *= 0.01
    class_maps[4:, -2:, -2:] = 8
    with torch.inference_mode():
        by_class = torch.from_numpy(class_maps).reshape(1, 3, 2, *shape)
        assert (network.presence(by_class) > CONFIG.threshold).tolist() == [[True, False, False]]
        assert network.find_present(by_class).tolist() == [[True, False, True]]
        saliency = network.saliency(by_class)[0].numpy()
    rows, columns = (smoothing_matrix(size, CONFIG.smoothing_cells) for size in shape)
    expected = normalise(rows @ saliency @ columns.T)
    found = head.draw(class_maps.transpose(1, 2, 0))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_likeliest_class_always_counts() -> None:
    class_maps = np.random.default_rng(1).lognormal(-1, 1, (5, 4, 6)).astype(np.float32)
    class_maps[..., 2:4] *= 3
    strict, tolerant = (
        make_head(replace(CONFIG, threshold=threshold)).draw for threshold in (1e9, 0.0)
    )
    found = strict(class_maps)
    assert found.max() == 1
    class_maps[..., [0, 1, 4, 5]] = 0
    np.testing.assert_allclose(found, tolerant(class_maps), rtol=1e-6)


def test_what_gaze_has_calibrated_is_the_map() -> None:
    class_maps, other = np.random.default_rng(1).random((2, 5, 4, 6)).astype(np.float32)
    head = make_head(replace(CONFIG, smoothing_cells=0.0))
    gaze = class_maps.sum(2)
    found = head.draw(class_maps, gaze)
    assert np.array_equal(found, head.draw(other, gaze))
    # The prior counts here as well.
    head.log_prior_y[:], head.log_prior_x[:] = 0, 0
    plain = head.draw(class_maps, gaze)
    np.testing.assert_allclose(plain, gaze / gaze.max(), rtol=1e-6)
    assert not np.allclose(plain, found, rtol=0.1)


def test_an_empty_map_is_zero() -> None:
    assert not make_head().draw(np.zeros((5, 4, 6), np.float32)).any()


def test_the_text_keeps_every_value() -> None:
    head = make_head()
    again = Head.from_json(head.to_json())
    assert again.config == head.config
    for name in ("log_feature_weights", "log_prior_y", "log_prior_x"):
        assert np.array_equal(getattr(again, name), getattr(head, name))
        assert getattr(again, name).dtype == np.float32
