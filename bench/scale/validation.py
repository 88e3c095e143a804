"""The simulation beside the real service: the same arrivals and times of stages, and its own waits."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from bench.load.statistics import percentile
from bench.scale.simulation import Costs, Photo, simulate
from bench.scale.traces import WORKERS

# Fewer photos have no mean that is worth its name.
LEAST_LONE: Final = 10


def compare(trace: dict[str, Any], costs: Costs) -> dict[str, Any]:
    """Return mean and 95th percentile of a trace's waits, simulated and measured, and their ratios."""
    rows = trace["photos"]
    costs = calibrate(rows, costs)
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


def calibrate(rows: Sequence[Sequence[float]], costs: Costs) -> Costs:
    """Return costs with the times around the stages of this trace.

    Other processes on the machine change them from minute to minute. They are the means of the photos
    that find a worker with nothing to do, by a simulation in which each photo also keeps its worker for
    these times at light load.
    """
    beside_ms = 1e3 * (costs.around_s + costs.handoff_s)
    longer = [(at_ms, service_ms + beside_ms) for at_ms, service_ms, *_ in rows]
    free = replace(costs, front_end_s=0.0, valkey_s=0.0, around_s=0.0, handoff_s=0.0)
    lone = [
        row for row, wait_ms in zip(rows, simulate_trace(longer, free), strict=True) if wait_ms < 1
    ]
    if len(lone) < LEAST_LONE:
        return costs
    return replace(
        costs,
        around_s=statistics.fmean(wait_ms - queue_ms for _, _, wait_ms, queue_ms in lone) / 1e3,
        handoff_s=statistics.fmean(queue_ms for *_, queue_ms in lone) / 1e3,
    )


def simulate_trace(rows: Sequence[Sequence[float]], costs: Costs) -> list[float]:
    """Return the waits in ms of photos that come and take as long as those of a trace."""
    photos = [Photo(at_ms / 1e3, service_ms / 1e3) for at_ms, service_ms, *_ in rows]
    ended, _ = simulate(photos, WORKERS, costs, front_ends=1)
    return [1e3 * photo.wait_s for photo in ended]


def find_p95(values: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return percentile(values, 0.95)
