"""The search fills the bytes, and weights move the cuts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg2000.layered import Layered, code_layers
from codec.jpeg2000.packet_writer import write_packets
from codec.jpeg2000.rate_search import CutPlan, fill_rest, find_log_lambda
from tests.codec.pictures import scene


@pytest.fixture(scope="module")
def layered() -> Layered:
    return code_layers(scene(200, 300))


def even(layered: Layered) -> NDArray[np.float64]:
    return np.ones(layered.layout.blocks)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("limit", [3000, 9000, 30000])
def test_the_limit_is_filled_and_never_exceeded(
    layered: Layered, limit: int, progressive: bool
) -> None:
    plan = CutPlan(layered, even(layered), progressive=progressive)
    cuts = plan.cut(find_log_lambda(plan, limit))
    packets = write_packets(layered.blocks, layered.layout, cuts)
    assert 0.99 * limit < len(packets) <= limit


def test_a_limit_above_all_layers_keeps_everything(layered: Layered) -> None:
    plan = CutPlan(layered, even(layered))
    assert np.all(plan.cut(find_log_lambda(plan, 10**9)) == layered.blocks.layers)


def test_a_limit_below_empty_packets_keeps_nothing(layered: Layered) -> None:
    plan = CutPlan(layered, even(layered))
    assert np.all(plan.cut(find_log_lambda(plan, 1)) == 0)


def test_bytes_fall_as_lambda_rises(layered: Layered) -> None:
    plan = CutPlan(layered, even(layered))
    found = [plan.count_bytes(plan.cut(one)) for one in np.linspace(*plan.range, 30)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0] / 20


def test_a_block_of_weight_w_is_cut_as_others_at_lambda_over_w(layered: Layered) -> None:
    weights = even(layered)
    weights[::2] = 8.0
    plan, other = CutPlan(layered, weights), CutPlan(layered, even(layered))
    middle = sum(plan.range) / 2
    assert np.array_equal(plan.cut(middle)[0, ::2], other.cut(middle - np.log(8.0))[0, ::2])
    assert np.array_equal(plan.cut(middle)[0, 1::2], other.cut(middle)[0, 1::2])


def test_blocks_of_one_weight_lose_a_layer_one_after_the_other(layered: Layered) -> None:
    plan = CutPlan(layered, even(layered))
    cuts = plan.cut(sum(plan.range) / 2)[0]
    assert np.ptp(cuts) <= 2
    start = find_log_lambda(plan, 20000)
    sizes = {plan.count_bytes(plan.cut(one)) for one in np.linspace(start, start + 0.1, 40)}
    assert len(sizes) > 10


def test_layers_of_a_progressive_file_never_lose_what_earlier_ones_had(layered: Layered) -> None:
    plan = CutPlan(layered, even(layered), progressive=True)
    cuts = plan.cut(find_log_lambda(plan, 20000))
    assert len(cuts) == 6
    assert np.all(np.diff(cuts, axis=0) >= 0)


def test_what_is_left_goes_to_blocks_that_fit() -> None:
    layered = code_layers(scene(60, 80))
    plan = CutPlan(layered, even(layered))
    for limit in (900, 1500, 2500):
        cuts = plan.cut(find_log_lambda(plan, limit))
        filled = fill_rest(plan, cuts, limit)
        assert np.all(filled >= cuts)
        assert plan.count_bytes(cuts) <= plan.count_bytes(filled) <= limit
        assert plan.count_bytes(filled) > 0.985 * limit
