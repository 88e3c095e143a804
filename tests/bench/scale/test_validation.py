"""The comparison of a trace with its simulation."""

import random
from dataclasses import replace

import pytest

from bench.scale.simulation import Costs, Photo, simulate
from bench.scale.validation import calibrate, compare, simulate_trace

COSTS = Costs(0.001, 0.0005, 0.00002, 0.01, 0.003, 0.001)


def make_rows(costs: Costs) -> list[list[float]]:
    generator = random.Random(2)
    photos, at_s = [], 0.0
    for _ in range(300):
        at_s += generator.expovariate(14.0)
        photos.append(Photo(at_s, 0.1))
    ended, _ = simulate(photos, 2, costs, front_ends=1)
    return [[1e3 * one.arrived_s, 1e3 * one.service_s, 1e3 * one.wait_s, 3.0] for one in ended]


def test_a_simulated_trace_agrees_with_its_simulation() -> None:
    figures = compare({"share": 0.7, "photos": make_rows(COSTS)}, COSTS)
    assert figures["mean"]["ratio"] == pytest.approx(1.0, abs=0.05)
    assert figures["p95"]["ratio"] == pytest.approx(1.0, abs=0.05)
    assert figures["photos"] == 300


def test_a_ratio_is_the_simulated_over_the_measured_wait() -> None:
    # None finds a free worker, so the given costs hold.
    rows = [[0.0, 1000.0, wait_ms, 3.0] for wait_ms in (26.0, 26.0, 2028.0, 2028.0)]
    figures = compare({"share": 0.7, "photos": rows}, replace(COSTS, gap_s=0.0))
    assert figures["mean"]["simulated_ms"] == pytest.approx(513.0, abs=5.0)
    assert figures["mean"]["measured_ms"] == 1027.0
    assert figures["mean"]["ratio"] == pytest.approx(0.5, abs=0.01)


def test_only_arrivals_and_services_of_a_trace_are_used() -> None:
    rows = make_rows(COSTS)
    without = [[at_ms, service_ms, 0.0, 0.0] for at_ms, service_ms, *_ in rows]
    assert simulate_trace(rows, COSTS) == simulate_trace(without, COSTS)


def test_the_times_around_the_stages_are_those_of_photos_that_found_a_free_worker() -> None:
    rows = [[1e3 * second, 100.0, 20.0, 5.0] for second in range(20)]
    # It comes while both workers have a photo.
    rows += [
        [5005.0, 100.0, 20.0, 5.0],
        [5010.0, 100.0, 800.0, 400.0],
        [5020.0, 100.0, 900.0, 400.0],
    ]
    found = calibrate(sorted(rows), COSTS)
    assert (found.around_s, found.handoff_s) == pytest.approx((0.015, 0.005))
    assert found.gap_s == COSTS.gap_s


def test_too_few_such_photos_change_nothing() -> None:
    assert calibrate([[1e3, 100.0, 20.0, 5.0]] * 5, COSTS) == COSTS
