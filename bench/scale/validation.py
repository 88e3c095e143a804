"""The simulation beside the real service: the same arrivals and times of stages, and its own waits."""

import statistics
from collections.abc import Sequence
from typing import Any

from bench.load.statistics import percentile
from bench.scale.simulation import Costs, Photo, simulate
from bench.scale.traces import WORKERS


def compare(trace: dict[str, Any], costs: Costs) -> dict[str, Any]:
    """Return mean and 95th percentile of a trace's waits, simulated and measured, and their ratios."""
    rows = trace["photos"]
    simulated_ms = simulate_trace(rows, costs)
    measured_ms = [wait for _, _, wait, _ in rows]
    figures: dict[str, Any] = {"share": trace["share"], "photos": len(rows)}
    for name, find in (("mean", statistics.fmean), ("p95", find_p95)):
        simulated, measured = find(simulated_ms), find(measured_ms)
        figures[name] = {
            "simulated_ms": simulated,
            "measured_ms": measured,
            "ratio": simulated / measured,
        }
    return figures


def simulate_trace(rows: Sequence[Sequence[float]], costs: Costs) -> list[float]:
    """Return the waits in ms of photos that come and take as long as those of a trace."""
    photos = [Photo(at_ms / 1e3, service_ms / 1e3) for at_ms, service_ms, *_ in rows]
    ended, _ = simulate(photos, WORKERS, costs, front_ends=1)
    return [1e3 * photo.wait_s for photo in ended]


def find_p95(values: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return percentile(values, 0.95)
