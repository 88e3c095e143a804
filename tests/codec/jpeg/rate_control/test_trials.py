import itertools

import numpy as np
import pytest

from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.distortion import Errors
from codec.jpeg.quantize.tuning import DEFAULT
from codec.jpeg.rate_control.passes import Point
from codec.jpeg.rate_control.target import Fit, Goal
from codec.jpeg.rate_control.trials import (
    LIMIT,
    TOLERANCE,
    Trials,
    is_better,
    make_prior_rates,
)
from codec.jpeg.syntax.symbols import END_OF_BLOCK, ZERO_RUN
from codec.jpeg.write.scan_script import choose_script, measure_share
from tests.codec.pictures import scene

COMPONENTS = split_components(scene(120, 160), None, subsample=True, tuning=DEFAULT)
FINE, COARSE = Point(8.0, 8.0), Point(24.0, 24.0)


def make_trials(target_bytes: float, *, progressive: bool = False) -> Trials:
    goal = Goal(target_bytes, target_bytes * 1.01)
    return Trials(Blocks(COMPONENTS), DEFAULT, goal, progressive)


def test_errors_are_log_ratios_to_the_goals_bytes() -> None:
    trials = make_trials(4000.0)
    result, error = trials.run(COARSE)
    assert error == pytest.approx(np.log(result.file_bytes / 4000.0))
    assert trials.run(FINE)[1] > error
    assert trials.passes == 2


def test_a_pass_passes_on_its_rates_unless_they_are_frozen() -> None:
    trials = make_trials(4000.0)
    trials.run(COARSE)
    rates = trials.rates
    assert not np.array_equal(rates[0], make_prior_rates())
    trials.are_rates_frozen = True
    trials.run(FINE)
    assert trials.rates is rates


def test_a_sampled_pass_counts_as_none_and_passes_on_its_rates() -> None:
    trials = make_trials(4000.0)
    error = trials.run_sampled(np.log(16.0))
    rates = trials.rates
    assert not np.array_equal(rates[0], make_prior_rates())
    assert trials.passes == 0
    assert trials.run_sampled(np.log(20.0)) < error
    assert trials.rates is not rates


def test_the_best_pass_is_the_nearest_that_is_not_too_large() -> None:
    coarse, _ = make_trials(4000.0).run(COARSE)
    trials = make_trials(coarse.file_bytes / (1 + 2 * LIMIT))
    trials.run(COARSE)
    assert trials.best is None  # too many bytes
    trials = make_trials(coarse.file_bytes * 1.02)
    best, _ = trials.run(COARSE)
    expected = [plane.copy() for plane in trials.blocks.read()]
    trials.run(Point(40.0, 40.0))
    assert trials.best is not None
    assert trials.best[1] is best
    # Run again, with the rates that it used, it gives the same coefficients.
    repeated = trials.repeat_best(trials.run(FINE)[0])
    assert repeated.file_bytes == best.file_bytes
    for plane, own in zip(trials.blocks.read(), expected, strict=True):
        assert np.array_equal(plane, own)


def test_the_latest_pass_is_not_repeated() -> None:
    trials = make_trials(10**6)
    best, _ = trials.run(FINE)
    assert trials.repeat_best(best) is best
    assert trials.passes == 1


def test_an_adjusted_pass_counts_and_is_best_within_the_tolerance() -> None:
    trials = make_trials(4000.0)
    latest, error = trials.run(COARSE)
    trials.goal = Goal(latest.file_bytes, latest.file_bytes * 1.01)
    adjusted, error = trials.adjust(latest, 24.0, 2)
    assert trials.passes == 2
    assert abs(error) < 0.006
    assert trials.best is not None
    assert trials.best[1] is adjusted
    assert trials.adjust(latest, 48.0, 2)[1] < error


def test_progressive_bytes_are_the_share_of_the_scans() -> None:
    baseline, progressive = make_trials(4000.0), make_trials(4000.0, progressive=True)
    errors = [trials.run(FINE)[1] for trials in (baseline, progressive)]
    assert progressive.script
    assert not baseline.script
    assert baseline.progressive_share == 1.0
    assert 0.8 < progressive.progressive_share < 1.05
    assert errors[1] - errors[0] == pytest.approx(np.log(progressive.progressive_share), abs=0.02)


def test_the_scans_of_a_small_picture_are_chosen_again_for_an_adjusted_pass() -> None:
    trials = make_trials(4000.0, progressive=True)
    latest, _ = trials.run(FINE)
    before = trials.progressive_share
    trials.adjust(latest, 16.0, 2)
    script = choose_script(COMPONENTS, trials.blocks.read())
    assert trials.script == script
    assert trials.progressive_share == measure_share(script, COMPONENTS, trials.blocks.read())
    assert trials.progressive_share != before


def test_tolerances_are_within_the_promised_percent() -> None:
    assert 0 < TOLERANCE < LIMIT < 0.01


def test_a_sampled_pass_foretells_the_bytes_of_progressive_scans() -> None:
    baseline, progressive = make_trials(4000.0), make_trials(4000.0, progressive=True)
    errors = [trials.run_sampled(np.log(4.0)) for trials in (baseline, progressive)]
    assert 0.97 < progressive.progressive_share < 1.0
    saved = np.log(progressive.progressive_share)
    assert errors[1] - errors[0] == pytest.approx(saved, rel=0.1)


def test_of_passes_that_are_fine_enough_the_shorter_is_better() -> None:
    fine, shorter = Fit(-0.1, 0.3), Fit(-0.2, 0.1)
    near, coarse = Fit(-0.3, -0.5 * TOLERANCE), Fit(-0.4, -2 * TOLERANCE)
    for better, worse in itertools.combinations((near, shorter, fine, coarse), 2):
        assert is_better(better, worse)
        assert not is_better(worse, better)
    assert is_better(coarse, Fit(-0.5, -0.1))  # neither is fine enough


def test_of_passes_without_limited_errors_the_nearer_is_better() -> None:
    assert is_better(Fit(-0.001, -np.inf), Fit(0.005, -np.inf))
    assert is_better(Fit(0.005, -np.inf), Fit(-0.01, -np.inf))


def test_a_pass_finer_than_required_is_kept_but_not_one_with_too_many_bytes() -> None:
    trials = make_trials(4000.0)
    found, _ = trials.run(FINE)
    errors = trials.blocks.measure(found.quant_tables)
    allowed = Errors(*(error * 4 for error in errors))
    for target_bytes, is_kept in ((found.file_bytes, True), (found.file_bytes * 0.98, False)):
        trials = make_trials(4000.0)
        trials.goal = Goal(target_bytes, target_bytes, allowed=allowed)
        trials.run(FINE)
        assert (trials.best is not None) == is_kept


def test_prior_rates_grow_with_run_and_size() -> None:
    rates = make_prior_rates()
    assert rates[0x01] < rates[0x02] < rates[0x12] < rates[0x53]
    assert rates[END_OF_BLOCK] < rates[ZERO_RUN] < rates.max() <= 16.0
