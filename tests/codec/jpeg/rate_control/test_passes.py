import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.components import split_components
from codec.jpeg.file_search import write_jpeg
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.rate_control.passes import Point, adjust_pass, estimate_rates, run_pass
from codec.jpeg.rate_control.trials import make_prior_rates
from tests.codec.pictures import scene

COMPONENTS = split_components(scene(160, 224), None, subsample=True, tuning=PSNR.default)


def plain_counts(planes: list[NDArray[np.int16]]) -> NDArray[np.int64]:
    """Return the AC symbols of a baseline scan (T.81 F.1.2.2)."""
    counts = np.zeros(256, np.int64)
    for block in np.concatenate([plane.reshape(-1, 64) for plane in planes]).tolist():
        run = 0
        for value in block[1:]:
            if value == 0:
                run += 1
                continue
            counts[0xF0] += run // 16
            counts[run % 16 * 16 + abs(value).bit_length()] += 1
            run = 0
        counts[0] += run > 0
    return counts


@pytest.mark.parametrize("stride", [2, 5])
def test_an_adjusted_pass_counts_the_symbols_of_its_qcoefs(stride: int) -> None:
    blocks = Blocks(COMPONENTS)
    made = run_pass(blocks, PSNR.default, Point(16.0, 16.0), [make_prior_rates()] * 2)
    qcoefs = blocks.read()
    before = [stored.copy() for stored in qcoefs]
    rates = [estimate_rates(counts) for counts in made.ac_counts]
    adjusted = adjust_pass(blocks, PSNR.default, made, rates, lambda_scale=24.0, stride=stride)
    assert adjusted.file_bytes < made.file_bytes
    # The file has the counted bytes, so that each symbol has a code in the adjusted tables.
    jpeg = write_jpeg((224, 160), COMPONENTS, adjusted, qcoefs)
    assert len(jpeg) == pytest.approx(adjusted.file_bytes, rel=0.005)
    assert adjusted.dc_counts is made.dc_counts
    changed = (before[0] != qcoefs[0]).any(axis=2)
    assert 0 < changed.mean() <= 1 / stride + 0.01
    for kind, counts in enumerate(adjusted.ac_counts):
        parts = zip(COMPONENTS, qcoefs, strict=True)
        own = [stored for component, stored in parts if component.kind == kind]
        assert np.array_equal(counts, plain_counts(own))


def test_adjusting_with_the_same_lambda_and_rates_changes_nothing() -> None:
    blocks = Blocks(COMPONENTS)
    rates = [make_prior_rates()] * 2
    made = run_pass(blocks, PSNR.default, Point(16.0, 16.0), rates)
    again = adjust_pass(blocks, PSNR.default, made, rates, lambda_scale=16.0, stride=2)
    for old, new in zip(made.ac_counts, again.ac_counts, strict=True):
        assert np.array_equal(old, new)
    assert again.file_bytes == made.file_bytes


def test_rates_are_the_information_of_the_symbols() -> None:
    counts = np.zeros(256, np.int64)
    counts[[1, 2]] = 10**6
    rates = estimate_rates(counts)
    assert rates[1] == pytest.approx(1, abs=1e-3)
    assert rates[3] > 16
