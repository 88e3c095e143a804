import itertools

import numpy as np
import pytest

from codec.jpeg.components import split_components
from codec.jpeg.quantize.block_sample import LEAST_BLOCKS, draw_sample
from codec.jpeg.quantize.rdoq import quantize_dc
from codec.jpeg.quantize.tuning import DEFAULT
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from tests.codec.pictures import scene, spot


def test_the_sample_of_a_small_image_has_all_real_blocks() -> None:
    components = split_components(scene(50, 70), spot(9, 9), subsample=True, tuning=DEFAULT)
    sample = draw_sample(components)
    for component, drawn in zip(components, sample.components, strict=True):
        real = component.coefs[: component.real_rows, : component.real_columns]
        assert np.array_equal(drawn.coefs[0], real.reshape(-1, 64))
        assert drawn.repeats == 1.0


def test_a_sample_has_its_size_and_its_blocks_represent_all() -> None:
    rng = np.random.default_rng(0)
    coefs = rng.normal(size=(200, 150, 64)).astype(np.float32)
    ones = np.ones((200, 150), np.float32)
    component = Component(LUMA, 1, 1, 200, 150, coefs, ones, ones, ones)
    sample = draw_sample([component])
    (drawn,) = sample.components
    assert LEAST_BLOCKS <= drawn.real_columns < 2 * LEAST_BLOCKS
    assert drawn.visibility.sum() == pytest.approx(200 * 150)
    assert drawn.repeats * drawn.real_columns == pytest.approx(200 * 150)
    # Spread evenly: as many in every tenth of the rows.
    taken = np.isin(coefs[..., 5], drawn.coefs[0, :, 5]).reshape(10, -1).sum(1)
    assert taken.max() - taken.min() < 0.1 * taken.mean()


@pytest.mark.parametrize("sampling", [1, 2])
def test_dc_differences_are_those_of_the_interleaved_scan(sampling: int) -> None:
    rng = np.random.default_rng(1)
    # Each block has a different DC value, which identifies it.
    coefs = np.zeros((6, 8, 64), np.float32)
    coefs[..., 0] = rng.permutation(48).reshape(6, 8)
    ones = np.ones((6, 8), np.float32)
    component = Component(CHROMA, sampling, sampling, 6, 8, coefs, ones, ones, ones)
    qcoefs, counts = np.zeros(coefs.shape, np.int16), np.zeros(256, np.int64)
    quantize_dc(coefs, 1, 6, 8, sampling, sampling, qcoefs, counts)
    sample = draw_sample([component])
    order = [
        (mcu_y * sampling + part // sampling, mcu_x * sampling + part % sampling)
        for mcu_y in range(6 // sampling)
        for mcu_x in range(8 // sampling)
        for part in range(sampling**2)
    ]
    before = {coefs[block][0]: coefs[place][0] for place, block in itertools.pairwise(order)}
    first_columns = {coefs[by, bx][0] for by in range(6) for bx in range(sampling)}
    for value, found in zip(sample.components[0].coefs[0, :, 0], sample.dc_before[0], strict=True):
        # A row's first MCU follows the end of the row above; there the sample uses another block.
        if value not in first_columns:
            assert found == before[value]
