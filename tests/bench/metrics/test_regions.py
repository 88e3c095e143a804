import numpy as np
import pytest

from bench.metrics.regions import keep_elsewhere, salient_region, scale_map, soften


def test_the_salient_region_is_a_quarter_even_if_values_are_equal() -> None:
    saliency = np.zeros((10, 10), np.float32)
    assert salient_region(saliency).sum() == 25
    saliency[7, 3] = 1
    assert salient_region(saliency)[7, 3]


def test_a_map_is_scaled_to_the_photos_size() -> None:
    assert scale_map(np.full((3, 5), 0.5, np.float32), (24, 40)).shape == (24, 40)


def test_a_soft_edge_is_half_on_the_border_and_0_or_1_away_from_it() -> None:
    region = np.zeros((400, 400), bool)
    region[:, :200] = True
    inside = soften(region)
    assert inside[200, 20] == 1
    assert inside[200, 380] == 0
    assert inside[200, 199:201].mean() == pytest.approx(0.5, abs=0.02)


def test_a_composite_has_errors_only_inside() -> None:
    original = np.full((2, 2, 3), 100, np.uint8)
    decoded = np.full((2, 2, 3), 90, np.uint8)
    mixed = keep_elsewhere(original, decoded, np.array([[1.0, 0.0], [0.5, 0.0]]))
    assert mixed[..., 0].tolist() == [[90, 100], [95, 100]]
