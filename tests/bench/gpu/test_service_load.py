from contextlib import nullcontext
from typing import Any

import pytest

from bench.gpu import service_load
from bench.gpu.service_load import find_limits, measure_workers


def test_the_service_runs_on_the_chosen_device(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start(*arguments: Any, **options: Any) -> Any:
        started.append((arguments, options))
        return nullcontext()

    monkeypatch.setattr(service_load, "started_service", start)
    load = {"workers": 2, "front_ends": 3, "clients": 4, "seconds": 1.0}
    assert measure_workers([], "cuda", [], **load) == {}
    assert started == [((2, {"DEVICE": "cuda"}), {"front_ends": 3})]


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        ({}, []),
        ({"gpu_percent": None}, []),
        ({"gpu_percent": 96.0}, ["GPU"]),
        # Of 16 cores, the other processes leave 13.8.
        ({"cores_busy": {"worker": 12.3}}, []),
        ({"cores_busy": {"worker": 12.5}}, ["worker CPU"]),
        ({"busiest_process": {"app": 0.97}}, ["front end"]),
        ({"busiest_process": {"redis": 0.93}}, ["Redis"]),
        ({"busiest_process": {"load": 0.95}}, ["load generator"]),
        ({"gpu_percent": 96.0, "cores_busy": {"worker": 13.0}}, ["GPU", "worker CPU"]),
    ],
)
def test_the_limits_are_the_resources_that_are_full(
    change: dict[str, Any], limits: list[str]
) -> None:
    figures: dict[str, Any] = {
        "cores_busy": {"app": 1.0, "worker": 8.0, "redis": 0.2, "load": 1.0},
        "busiest_process": {"app": 0.4, "worker": 5.0, "redis": 0.2, "load": 0.3},
        "gpu_percent": 40.0,
    }
    for name, value in change.items():
        figures[name] = {**figures[name], **value} if isinstance(value, dict) else value
    assert find_limits(figures, 16) == limits
