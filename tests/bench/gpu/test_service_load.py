from typing import Any

import pytest

from bench.gpu.service_load import name_limit


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"cores_busy": {"app": 1.0, "worker": 13.6}}, "cores"),
        ({"busiest": {"load": 0.95}}, "load generator"),
        ({"busiest": {"app": 0.97}}, "front end"),
        ({"busiest": {"redis": 0.93}}, "Redis"),
        ({"gpu_percent": 96.0}, "GPU"),
        ({"clients": 1}, "clients"),
        ({"gpu_percent": None}, "the workers' interpreters"),
        ({}, "the workers' interpreters"),
    ],
)
def test_the_limit_is_the_part_at_its_ceiling(change: dict[str, Any], limit: str) -> None:
    busiest = {"app": 0.4, "worker": 5.0, "redis": 0.2, "load": 0.3}
    figures: dict[str, Any] = {
        "cores_busy": {"app": 1.0, "worker": 8.0, "redis": 0.2, "load": 1.0},
        "busiest_process": busiest | change.pop("busiest", {}),
        "gpu_percent": 40.0,
        "clients": 64,
    } | change
    assert name_limit(figures, 16).startswith(limit)
