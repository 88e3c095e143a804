import numpy as np
import pytest

from codec.encoder import split_components
from codec.fidelity import measure_errors
from codec.passes import Point, estimate_rates, run_pass
from codec.sample import draw_sample
from codec.search import prior_rates
from codec.sketch import run_sketch
from codec.tuning import DEFAULT
from tests.codec.pictures import photo, spot


@pytest.mark.parametrize("size", [(160, 224), (512, 512)])
@pytest.mark.parametrize("step", [4.0, 16.0, 40.0])
def test_a_sketch_foretells_the_bytes_and_errors_of_a_pass(
    size: tuple[int, int], step: float
) -> None:
    components = split_components(photo(*size), spot(20, 20), subsample=True, tuning=DEFAULT)
    sample = draw_sample(components)
    outline = [np.zeros(c.coefs.shape, np.int16) for c in sample.components]
    qcoefs = [np.zeros(c.coefs.shape, np.int16) for c in components]
    rates, point = [prior_rates()] * 2, Point(step, step)
    for _ in range(2):
        sketch = run_sketch(sample, DEFAULT, point, rates, outline)
        rates = [estimate_rates(counts) for counts in sketch.ac_counts]
    made = run_pass(components, DEFAULT, point, rates, qcoefs)
    assert sketch.file_bytes == pytest.approx(made.file_bytes, rel=0.07)
    foretold, found = (
        measure_errors(parts, made.quant_tables, stored, stride=1)
        for parts, stored in ((sample.components, outline), (components, qcoefs))
    )
    assert foretold.salient == pytest.approx(found.salient, rel=0.1)
    assert foretold.rest == pytest.approx(found.rest, rel=0.3)


def test_rates_of_a_sketch_are_nearly_those_of_the_trellis() -> None:
    components = split_components(photo(256, 256), None, subsample=True, tuning=DEFAULT)
    sample = draw_sample(components)
    outline = [np.zeros(c.coefs.shape, np.int16) for c in sample.components]
    qcoefs = [np.zeros(c.coefs.shape, np.int16) for c in components]
    rates, point = [prior_rates()] * 2, Point(16.0, 16.0)
    for _ in range(2):
        counts = run_sketch(sample, DEFAULT, point, rates, outline).ac_counts
        rates = [estimate_rates(own) for own in counts]
    first = run_pass(components, DEFAULT, point, rates, qcoefs)
    settled = first
    for _ in range(3):
        rates = [estimate_rates(own) for own in settled.ac_counts]
        settled = run_pass(components, DEFAULT, point, rates, qcoefs)
    assert first.file_bytes == pytest.approx(settled.file_bytes, rel=0.01)
