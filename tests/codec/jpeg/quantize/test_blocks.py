import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.rdoq import count_ac_symbols
from codec.jpeg.quantize.steps import make_tables, scale_steps
from codec.jpeg.quantize.tuning import DEFAULT
from codec.jpeg.rate_control.trials import make_prior_rates
from tests.codec.pictures import scene, spot

COMPONENTS = split_components(scene(80, 112), None, subsample=True, tuning=DEFAULT)
STEPS = scale_steps(DEFAULT, make_tables(DEFAULT, 16.0, 3), 16.0)
RATES = [make_prior_rates()] * 2


def test_counts_of_both_chroma_components_are_added_up() -> None:
    blocks = Blocks(COMPONENTS)
    counts = blocks.quantize(STEPS, RATES)
    assert len(counts.dc) == len(counts.ac) == 2
    expected = np.zeros(256, np.int64)
    for qcoefs in blocks.read()[1:]:
        count_ac_symbols(qcoefs, 1, 1, expected)
    assert np.array_equal(counts.ac[1], expected)


def test_a_grey_picture_has_the_counts_of_one_kind() -> None:
    grey = split_components(scene(40, 48)[..., 0], None, subsample=False, tuning=DEFAULT)
    counts = Blocks(grey).quantize(scale_steps(DEFAULT, make_tables(DEFAULT, 16.0, 1), 16.0), RATES)
    assert len(counts.dc) == len(counts.ac) == 1


def test_the_sample_leaves_the_qcoefs_of_the_blocks_alone() -> None:
    blocks = Blocks(COMPONENTS)
    blocks.quantize(STEPS, RATES)
    before = [qcoefs.copy() for qcoefs in blocks.read()]
    sampled = blocks.quantize_sample(STEPS, RATES)
    assert sum(int(counts.sum()) for counts in sampled.counts.dc) == sum(sampled.sizes)
    for old, new in zip(before, blocks.read(), strict=True):
        assert np.array_equal(old, new)


def test_a_finer_pass_has_smaller_errors() -> None:
    blocks = Blocks(COMPONENTS)
    errors = []
    for scale in (8.0, 32.0):
        steps = scale_steps(DEFAULT, make_tables(DEFAULT, scale, 3), scale)
        blocks.quantize(steps, RATES)
        errors.append(blocks.measure(steps.quant_tables).salient)
    assert errors[0] < errors[1] / 2


@pytest.mark.parametrize(
    ("saliency", "expected"),
    [
        (None, (True, False)),
        (spot(10, 14), (True, True)),
        (np.ones((3, 4), np.float32), (True, False)),
    ],
)
def test_regions_without_blocks_are_known(
    saliency: NDArray[np.float32] | None, expected: tuple[bool, bool]
) -> None:
    # Padding to whole MCUs belongs to no region.
    components = split_components(scene(72, 104), saliency, subsample=True, tuning=DEFAULT)
    assert Blocks(components).has_regions() == expected
