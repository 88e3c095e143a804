"""Costs, limits and linearity from measured cells, and one cell of real processes."""

from pathlib import Path
from typing import Any

import pytest

from bench.datasets.uploads import load_photos
from bench.load.service_process import ServiceError
from bench.scale.cluster import Cluster, started_cluster
from bench.scale.throughput import (
    Spans,
    divide_costs,
    find_limits,
    find_linearity,
    measure_cell,
    measure_grid,
)
from tests.bench.load.fake_service import fake_service

ROLES = ("app", "redis", "worker", "load")


def make_size(sent_bytes: float, cpu_ms: float) -> dict[str, Any]:
    return {"mean_sent_bytes": sent_bytes, "cpu_ms_per_image": dict.fromkeys(ROLES, cpu_ms)}


def test_costs_are_split_into_a_photo_s_and_a_megabyte_s() -> None:
    sizes = {
        "large": make_size(4e6, 9.0),
        "small": make_size(1e6, 3.0),
        "middle": make_size(2e6, 0.0),
    }
    assert divide_costs(sizes)["redis"] == pytest.approx({"ms_per_photo": 1.0, "ms_per_mb": 2.0})


def test_a_limit_is_what_one_core_carries() -> None:
    limits = find_limits({"small": make_size(1e5, 0.5)})
    assert limits["small"]["redis"] == pytest.approx(
        {"images_per_s": 2000.0, "sent_bytes_per_s": 2e8}
    )


def test_linearity_compares_with_the_fewest_workers_of_the_same_kind() -> None:
    def cell(service_s: float, workers: int, per_s: float) -> dict[str, Any]:
        return {
            "service_s": service_s,
            "workers": workers,
            "front_ends": 1,
            "images_per_s": per_s,
            "cores": {"app": 0.5},
        }

    cells = [cell(0.1, 1, 10.0), cell(0.0, 1, 300.0), cell(0.1, 8, 76.0)]
    shares = [row["share_of_linear"] for row in find_linearity(cells)]
    assert shares == pytest.approx([1.0, 1.0, 0.95])


def test_workers_that_sleep_are_the_limit(photo_folder: Path) -> None:
    photos, _ = load_photos(photo_folder, "jpeg")
    one, two = measure_grid(photos, [0.2], [1, 2], [1], Spans(1.0, 2.0))
    assert one["images_per_s"] <= 5.5
    assert one["images_per_s"] < two["images_per_s"] <= 11
    assert set(two["cpu_ms_per_image"]) == set(ROLES)
    assert two["received_bytes_per_s"] < two["sent_bytes_per_s"]
    assert all(spent >= 0 for spent in two["cores"].values())


def test_a_service_that_fails_is_not_measured() -> None:
    with fake_service(lambda _: (503, 0.01)) as (url, _):
        cluster = Cluster.__new__(Cluster)
        cluster.urls = [url]
        cluster._processes = {"app": [], "redis": [], "worker": []}
        with pytest.raises(ServiceError, match="503"):
            measure_cell(cluster, [b"photo"], 1, 1, Spans(0.0, 0.5))


def test_the_grid_needs_a_cluster_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_BATCH_SIZE", "nonsense")
    monkeypatch.setattr("bench.scale.cluster.START_TIMEOUT_S", 300.0)
    with (
        pytest.raises(ServiceError, match="MAX_BATCH_SIZE must be a whole number"),
        started_cluster(1, 0.0) as cluster,
    ):
        cluster.add_workers(1)
