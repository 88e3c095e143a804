"""What the simulations take from a result, and the parts of what they give."""

from typing import Any

import pytest

from bench.scale import forecast as module
from bench.scale import scenarios
from bench.scale.forecast import find_costs, forecast, validate
from bench.scale.simulation import Costs


def make_trace(share: float, service_ms: float) -> dict[str, Any]:
    return {
        "share": share,
        "service_mean_ms": service_ms,
        "around_p50_ms": 8.0,
        "queue_p50_ms": 3.0,
        "photos": [[200.0 * number, service_ms, 12.0, 3.0] for number in range(50)],
    }


@pytest.fixture
def measured() -> dict[str, Any]:
    """Return the parts of a result that are read; Valkey spends 1 ms of each second on polls."""
    cpu_ms = {"app": 2.0, "redis": 0.5, "worker": 2.0, "load": 0.2}
    other_ms = dict.fromkeys(cpu_ms, 9.0)
    traces = {
        "gap_ms": 1.5,
        "light": make_trace(0.1, 100.0),
        "loaded": [make_trace(0.5, 100.0), make_trace(0.7, 150.0)],
    }
    return {
        "cells": [
            {"service_s": 0.0, "workers": 8, "front_ends": 1, "cpu_ms_per_image": other_ms},
            {"service_s": 0.1, "workers": 8, "front_ends": 1, "cpu_ms_per_image": cpu_ms},
            {"service_s": 0.1, "workers": 8, "front_ends": 2, "cpu_ms_per_image": other_ms},
            {"service_s": 0.1, "workers": 1, "front_ends": 1, "cpu_ms_per_image": other_ms},
        ],
        "polling": {"workers": 8, "images_per_s": 8.0, "cores": {"redis": 0.024}},
        "traces": {"sleeping": traces, "real": traces},
    }


def test_costs_are_those_of_many_sleeping_workers_and_of_light_load(
    measured: dict[str, Any],
) -> None:
    # Polls take 24 − 8 × 0.5 ms a second of eight workers that look 50 times each.
    assert find_costs(measured, "real") == Costs(
        front_end_s=0.002,
        valkey_s=0.0005,
        poll_s=pytest.approx(20e-3 / 8 / 50),
        around_s=0.008,
        handoff_s=0.003,
        gap_s=0.0015,
    )


def test_each_trace_of_each_kind_is_compared(measured: dict[str, Any]) -> None:
    found = validate(measured)
    assert list(found) == ["sleeping", "real"]
    assert [row["share"] for row in found["real"]] == [0.5, 0.7]
    # Nothing waits for another photo here.
    assert found["real"][0]["mean"]["simulated_ms"] == pytest.approx(12.0, abs=0.1)


def test_a_forecast_has_each_part(
    measured: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios, "PHOTOS", 300)
    for name in scenarios.LEAST_SIMULATED_S:
        monkeypatch.setitem(scenarios.LEAST_SIMULATED_S, name, 1.0)
    monkeypatch.setattr(module, "WORKERS", {"poisson": (1, 2), "bursty": (2,)})
    monkeypatch.setattr(module, "OFFERED", (2,))
    monkeypatch.setattr(module, "SCENARIOS", {"step": [(1, 0.0), (1, 2.0)]})
    found = forecast(measured, {"first": 14.0, "later": 1.5})
    assert len(found["fixed"]) == 2 * 5 + 3
    assert [row["workers"] for row in found["reserve"]] == [3, 4, 5]
    assert found["mean_service_s"] == pytest.approx(0.1)
    assert found["starts_s"] == {"first": 14.0, "later": 1.5, "node": 90.0}
    kinds = [(row["start"], row["target_s"]) for row in found["scaled"]]
    assert kinds == [
        *(("first", 2.0), ("later", 2.0), ("node", 2.0)),
        *(("later", 0.5), ("later", 1.0), ("later", 5.0)),
        (None, None),
    ]
    assert found["scaled"][-1]["most_workers"] == 4
