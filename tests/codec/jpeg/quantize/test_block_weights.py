import numpy as np
import pytest

from codec.jpeg.quantize.block_weights import assemble, map_blocks, pool_blocks
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.syntax.component import CHROMA, LUMA
from tests.codec.pictures import spot


@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_pooled_entries_are_means_in_an_array_of_their_own(across: int, down: int) -> None:
    grid = np.random.default_rng(0).random((4, 6)).astype(np.float32)
    pooled = pool_blocks(grid, across, down)
    means = grid.reshape(4 // down, down, 6 // across, across).mean(axis=(1, 3))
    assert np.allclose(pooled, means)
    assert not np.shares_memory(pooled, grid)


def test_a_map_covers_the_real_blocks_and_padding_has_weight_1() -> None:
    blocks = map_blocks(spot(20, 30), PSNR.default, (37, 20), (4, 6))
    assert (blocks.rows, blocks.columns) == (3, 5)
    assert blocks.weights[:3, :5].max() > 2
    assert (blocks.weights[3:] == 1).all()
    assert (blocks.weights[:, 5:] == 1).all()


def test_without_a_map_weights_are_equal_and_all_blocks_are_salient() -> None:
    blocks = map_blocks(None, PSNR.default, (16, 16), (2, 2))
    assert (blocks.weights == 1).all()
    assert (blocks.salient == 1).all()


@pytest.mark.parametrize("kind", [LUMA, CHROMA])
def test_only_real_blocks_of_a_component_have_weights(kind: int) -> None:
    blocks = map_blocks(spot(20, 30), PSNR.default, (37, 20), (4, 6))
    shape = (4, 6) if kind == LUMA else (2, 3)
    coefs = np.zeros((*shape, 64), np.float32)
    masking = np.ones(shape, np.float32) if kind == LUMA else None
    own = assemble(kind, coefs, masking, blocks, (2, 2))
    assert (own.horizontal, own.vertical) == ((2, 2) if kind == LUMA else (1, 1))
    assert (own.real_rows, own.real_columns) == ((3, 5) if kind == LUMA else (2, 3))
    real = np.s_[: own.real_rows, : own.real_columns]
    assert np.exp(np.log(own.block_weights[real]).mean()) == pytest.approx(1, rel=1e-5)
    for weights in (own.block_weights, own.visibility):
        assert (weights[real] > 0).all()
        assert np.count_nonzero(weights) == own.real_rows * own.real_columns
