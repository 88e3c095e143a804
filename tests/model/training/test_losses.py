import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.training.losses import cell_weights, cells_loss, gaze_loss, presence_loss

HEIGHT, WIDTH = 4, 6
# In cells: left, top, right, bottom.
CELLS = np.array(
    [[[0, 0, 6, 4], [1, 0, 2, 3], [4, 3, 6, 4]], [[0, 0, 6, 4], [0, 1, 5, 2], [2, 2, 3, 3]]]
)


def random_batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    maps = torch.rand(2, 3, 2, HEIGHT, WIDTH, generator=generator) * 2 + 0.01
    presence = torch.rand(2, 3, 3, generator=generator)
    known = torch.rand(2, 3, 3, generator=generator) < 0.7
    windows = torch.from_numpy(CELLS / [WIDTH, HEIGHT, WIDTH, HEIGHT]).float()
    return maps, windows, presence, known


def slow_presence_loss(
    maps: NDArray[np.float32], presence: NDArray[np.float32], known: NDArray[np.bool_]
) -> float:
    """Return the loss of windows that are made of whole cells."""
    per_window = []
    for photo, boxes in enumerate(CELLS):
        for window, (left, top, right, bottom) in enumerate(boxes):
            loss = 0.0
            for name in range(maps.shape[1]):
                if not known[photo, window, name]:
                    continue
                cells = maps[photo, name, :, top:bottom, left:right].astype(float)
                z = cells.sum(0).mean()
                wanted = presence[photo, window, name]
                loss -= wanted * np.log(z / (1 + z)) + (1 - wanted) * np.log(1 / (1 + z))
            per_window.append(loss)
    return float(np.mean(per_window))


def test_the_presence_loss_agrees_with_a_slow_one() -> None:
    maps, windows, presence, known = random_batch()
    found = presence_loss(maps, windows, presence, known).item()
    expected = slow_presence_loss(maps.numpy(), presence.numpy(), known.numpy())
    assert found == pytest.approx(expected, rel=1e-5)


def test_unknown_targets_have_no_loss_and_no_gradient() -> None:
    maps, windows, presence, known = random_batch()
    first = presence_loss(maps, windows, presence, known)
    other = torch.where(known, presence, 1 - presence)
    assert presence_loss(maps, windows, other, known) == first
    maps.requires_grad = True
    presence_loss(maps, windows, presence, torch.zeros_like(known)).backward()
    assert maps.grad is not None
    assert not maps.grad.any()


def test_a_window_has_a_gradient_only_in_the_cells_that_it_covers() -> None:
    maps, windows, presence, known = random_batch()
    maps.requires_grad = True
    chosen = torch.zeros_like(known)
    chosen[0, 1] = True
    presence_loss(maps, windows, presence, chosen).backward()
    left, top, right, bottom = CELLS[0, 1]
    covered = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    covered[top:bottom, left:right] = True
    assert maps.grad is not None
    moved = maps.grad.abs().sum((1, 2)) > 0
    assert torch.equal(moved[0], covered)
    assert not moved[1].any()


def test_the_cells_loss_is_the_cross_entropy_computed_by_hand() -> None:
    maps, *_ = random_batch()
    generator = torch.Generator().manual_seed(8)
    cells = torch.rand(2, 3, HEIGHT // 2, WIDTH // 2, generator=generator)
    known = torch.rand(cells.shape, generator=generator) < 0.7
    expected = 0.0
    for photo, name, row, column in np.ndindex(*cells.shape):
        own = maps[photo, name, :, row * 2 : row * 2 + 2, column * 2 : column * 2 + 2]
        z, wanted = float(own.sum(0).mean()), float(cells[photo, name, row, column])
        loss = -wanted * np.log(z / (1 + z)) - (1 - wanted) * np.log(1 / (1 + z))
        expected += float(known[photo, name, row, column]) * loss
    found = cells_loss(maps, cells, known).item()
    assert found == pytest.approx(expected / (2 * cells[0, 0].numel()), rel=1e-5)


@pytest.mark.parametrize(
    ("start", "end", "shares"),
    [
        (0.0, 1.0, [0.25, 0.25, 0.25, 0.25]),
        (0.25, 0.5, [0, 1, 0, 0]),
        (0.125, 0.75, [0.2, 0.4, 0.4, 0]),
        (0.3, 0.4, [0, 1, 0, 0]),
        (0.7, 0.8, [0, 0, 0.5, 0.5]),
    ],
)
def test_partly_covered_cells_count_by_their_covered_share(
    start: float, end: float, shares: list[float]
) -> None:
    found = cell_weights(torch.tensor([start]), torch.tensor([end]), 4)
    assert found.shape == (1, 4)
    assert found[0].tolist() == pytest.approx(shares, abs=1e-6)


def test_a_map_proportional_to_the_density_has_no_loss() -> None:
    density = torch.rand(2, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    density /= density.sum((1, 2), keepdim=True)
    for scale in (1e-2, 1.0, 1e4):
        assert gaze_loss(density * scale, density).item() == pytest.approx(0, abs=1e-5)


def test_the_gaze_loss_is_the_divergence_computed_by_hand() -> None:
    density = torch.tensor([[[0.5, 0.5]], [[1.0, 0.0]]])
    saliency = torch.tensor([[[1.0, 3.0]], [[2.0, 2.0]]])
    expected = (0.5 * np.log(2) + 0.5 * np.log(2 / 3) + np.log(2)) / 2
    for scale in (1e-2, 1.0, 1e4):
        assert gaze_loss(saliency * scale, density).item() == pytest.approx(expected, abs=1e-5)


def test_a_map_that_is_zero_at_the_fixations_has_a_finite_loss_and_gradient() -> None:
    density = torch.tensor([[[1.0, 0.0]]])
    saliency = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    loss = gaze_loss(saliency, density)
    loss.backward()
    assert 10 < loss.item() < 30
    assert saliency.grad is not None
    assert saliency.grad.isfinite().all()
    assert saliency.grad[0, 0, 0] < 0


@pytest.mark.parametrize("evidence", [0.0, 1e-12, 1.0, 2e4])
def test_the_presence_gradient_is_finite_for_any_evidence(evidence: float) -> None:
    maps, windows, presence, known = random_batch()
    extreme = torch.full_like(maps, evidence).requires_grad_()
    loss = presence_loss(extreme, windows, presence, known)
    loss.backward()
    assert loss.isfinite()
    assert extreme.grad is not None
    assert extreme.grad.isfinite().all()
    assert extreme.grad.any()
