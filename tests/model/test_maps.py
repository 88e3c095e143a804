import pytest
import torch

from model.maps import centre_weights, normalise, smoothing_matrix


def test_smoothing_keeps_an_even_map_even() -> None:
    assert smoothing_matrix(12).sum(1).tolist() == pytest.approx([1.0] * 48)


def test_smoothing_keeps_a_cell_where_it_was() -> None:
    axis = smoothing_matrix(12)[:, 5]
    assert axis.argmax().item() in {21, 22}  # cell 5 covers samples 20 to 23
    positions = torch.arange(48) + 0.5
    assert (axis * positions).sum() / axis.sum() == pytest.approx(22.0, abs=0.05)


def test_smoothing_leaves_no_steps_between_cells() -> None:
    drawn = smoothing_matrix(12) @ torch.eye(12)[5]
    assert drawn.diff().abs().max() < 0.25 * drawn.max()


def test_the_strongest_place_of_each_map_becomes_one() -> None:
    found = normalise(torch.tensor([[[1.0, 4.0]], [[0.5, 0.25]]]))
    assert found.tolist() == [[[0.25, 1.0]], [[1.0, 0.5]]]


def test_a_map_without_response_becomes_zeros_and_no_noise() -> None:
    assert not normalise(torch.zeros(1, 4, 4)).any()
    assert not normalise(torch.full((1, 4, 4), 1e-9)).any()


def test_without_strength_the_centre_prior_changes_nothing() -> None:
    assert torch.equal(centre_weights(48, 0.0), torch.ones(48, 48))


def test_the_centre_prior_is_highest_in_the_middle_and_symmetric() -> None:
    weights = centre_weights(48, 1.0)
    assert weights.argmax() == weights[23, 23:25].argmax() + 23 * 48 + 23
    assert torch.allclose(weights, weights.flip(0).T.flip(0).T.flip(1))
    assert weights[0, 0] < 0.1
