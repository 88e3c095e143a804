import pytest

from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import DEFAULT
from codec.jpeg.rate_control.passes import Point, estimate_rates, run_pass
from codec.jpeg.rate_control.sampled_pass import run_sampled_pass
from codec.jpeg.rate_control.trials import make_prior_rates
from tests.codec.pictures import scene, spot


@pytest.mark.parametrize("size", [(160, 224), (512, 512)])
@pytest.mark.parametrize("step", [4.0, 16.0, 40.0])
def test_a_sampled_pass_predicts_the_bytes_and_errors_of_a_pass(
    size: tuple[int, int], step: float
) -> None:
    components = split_components(scene(*size), spot(20, 20), subsample=True, tuning=DEFAULT)
    blocks = Blocks(components)
    rates, point = [make_prior_rates()] * 2, Point(step, step)
    for _ in range(2):
        sampled = run_sampled_pass(blocks, DEFAULT, point, rates)
        rates = [estimate_rates(counts) for counts in sampled.ac_counts]
    made = run_pass(blocks, DEFAULT, point, rates)
    assert sampled.file_bytes == pytest.approx(made.file_bytes, rel=0.07)
    predicted, found = sampled.errors, blocks.measure(made.quant_tables)
    assert predicted.salient == pytest.approx(found.salient, rel=0.1)
    assert predicted.rest == pytest.approx(found.rest, rel=0.3)


def test_rates_of_a_sampled_pass_are_nearly_those_of_the_trellis() -> None:
    components = split_components(scene(256, 256), None, subsample=True, tuning=DEFAULT)
    blocks = Blocks(components)
    rates, point = [make_prior_rates()] * 2, Point(16.0, 16.0)
    for _ in range(2):
        counts = run_sampled_pass(blocks, DEFAULT, point, rates).ac_counts
        rates = [estimate_rates(own) for own in counts]
    first = run_pass(blocks, DEFAULT, point, rates)
    settled = first
    for _ in range(3):
        rates = [estimate_rates(own) for own in settled.ac_counts]
        settled = run_pass(blocks, DEFAULT, point, rates)
    assert first.file_bytes == pytest.approx(settled.file_bytes, rel=0.01)
