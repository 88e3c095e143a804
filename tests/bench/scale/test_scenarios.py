"""Arrivals of a given mean rate, and what the scenarios report."""

import itertools
import math
import statistics

import pytest

from bench.scale import scenarios
from bench.scale.autoscaler import Scaling
from bench.scale.scenarios import (
    Measured,
    count_front_ends,
    draw_arrivals,
    draw_photos,
    draw_rates,
    simulate_fixed,
    simulate_scaled,
)
from bench.scale.simulation import Costs

COSTS = Costs(0.002, 0.0005, 0.00002, 0.008, 0.003, 0.001)
MEASURED = Measured(COSTS, (0.08, 0.12), {"later": 1.5})


@pytest.mark.parametrize("arrivals", ["poisson", "bursty"])
def test_arrivals_have_the_mean_rate(arrivals: str) -> None:
    times_s = list(
        itertools.takewhile(
            lambda at_s: at_s < 40_000, draw_arrivals(draw_rates(arrivals, 2.0, 0), 0)
        )
    )
    assert len(times_s) / 40_000 == pytest.approx(2.0, rel=0.1)
    assert times_s == sorted(times_s)


def test_bursty_arrivals_vary_more_than_those_of_a_poisson_process() -> None:
    ratios = []
    for arrivals in ("poisson", "bursty"):
        times_s = itertools.islice(draw_arrivals(draw_rates(arrivals, 5.0, 0), 0), 20_000)
        counts = [
            len(list(group)) for _, group in itertools.groupby(times_s, lambda at_s: at_s // 10)
        ]
        ratios.append(statistics.variance(counts) / statistics.fmean(counts))
    assert ratios[0] == pytest.approx(1.0, abs=0.3)
    assert ratios[1] > 10


def test_nothing_arrives_at_a_rate_of_0() -> None:
    times_s = list(draw_arrivals(iter([(10.0, 0.0), (10.0, 5.0), (10.0, 0.0)]), 0))
    assert times_s
    assert 10 < min(times_s) <= max(times_s) < 20


def test_services_are_drawn_from_the_measured_ones() -> None:
    photos = list(draw_photos(iter(range(100)), MEASURED, 0))
    assert {photo.service_s for photo in photos} == {0.08, 0.12}
    assert MEASURED.mean_service_s == pytest.approx(0.1)


def test_front_ends_are_half_busy_at_most() -> None:
    assert count_front_ends(0.0, COSTS) == 1
    assert count_front_ends(100.0, COSTS) == 1
    assert count_front_ends(251.0, COSTS) == 2


def test_a_fixed_number_of_workers_waits_longer_at_a_higher_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scenarios, "PHOTOS", 3000)
    monkeypatch.setitem(scenarios.LEAST_SIMULATED_S, "poisson", 1.0)
    low, high = (simulate_fixed(MEASURED, 4, load, "poisson") for load in (0.5, 0.9))
    assert low["wait_mean_s"] < high["wait_mean_s"] < high["wait_p95_s"] < high["wait_p99_s"]
    assert low["images_per_s"] == pytest.approx(20.0)
    assert low["worker_s_per_1000"] == pytest.approx(200.0)
    assert low["idle_share"] == 0.5
    assert low["valkey_load"] == pytest.approx(0.01)


def test_valkey_is_the_limit_of_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "PHOTOS", 3000)
    monkeypatch.setitem(scenarios.LEAST_SIMULATED_S, "poisson", 1.0)
    slow = Measured(Costs(0.0, 0.02, 0.0, 0.02, 0.0, 0.0), (0.1,), {})
    row = simulate_fixed(slow, 10, 0.7, "poisson")
    assert row["valkey_load"] == pytest.approx(1.4)
    assert row["wait_p99_s"] > 5


def test_keda_s_workers_cost_less_than_fixed_ones_and_photos_wait_longer() -> None:
    rates = [(60.0, 0.0), (300.0, 20.0), (900.0, 0.0)]
    scaled = simulate_scaled(MEASURED, rates, Scaling(), start_s=1.5)
    fixed = simulate_scaled(MEASURED, rates, Scaling(), start_s=1.5, fixed=4)
    assert scaled["photos"] == fixed["photos"] == pytest.approx(6000, rel=0.1)
    assert fixed["most_workers"] == 4
    assert fixed["worker_s_per_1000"] == pytest.approx(4e3 * 1260 / fixed["photos"])
    assert scaled["worker_s_per_1000"] < fixed["worker_s_per_1000"]
    assert scaled["wait_p99_s"] > fixed["wait_p99_s"]
    assert fixed["lost_share"] == 0
    assert 0 <= scaled["lost_share"] < 0.2
    assert math.isclose(fixed["idle_share"], 1 - fixed["photos"] * 0.1 / 4 / 1260, abs_tol=0.01)
