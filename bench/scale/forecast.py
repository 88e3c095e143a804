"""The simulations that a result has: beside the real service, fixed numbers of workers, KEDA's numbers."""

import math
from dataclasses import asdict, replace
from typing import Any, Final

from bench.scale.autoscaler import Scaling
from bench.scale.scenarios import LOADS, WORKERS, Measured, simulate_fixed, simulate_scaled
from bench.scale.simulation import EMPTY_PAUSE_S, Costs
from bench.scale.validation import compare

# Offered load in workers (photos per second × seconds of each), and β of N = ⌈R + β√R⌉ workers.
OFFERED: Final = (1, 2, 5, 10, 20, 50, 100)
RESERVES: Final = (0.5, 1.0, 2.0)
# A new node for the pod; assumed, not measured.
NODE_START_S: Final = 90.0
WAIT_TARGETS_S: Final = (0.5, 1.0, 2.0, 5.0)
MINUTE_S: Final = 60.0
# Pairs of minutes and offered load in workers.
SCENARIOS: Final = {
    "step": [(1, 0.0), (10, 4.0), (15, 0.0), (10, 4.0), (15, 0.0)],
    "bursts": [(9, 0.5), (1, 6.0)] * 4,
    "rise": [
        *((1, minute / 5) for minute in range(30)),
        *((1, 6 - minute / 5) for minute in range(31)),
    ],
}


def forecast(measured: dict[str, Any], starts_s: dict[str, float]) -> dict[str, Any]:
    """Return the simulations from measurements, and what they took from these.

    ``starts_s`` are the times until a worker is ready, by kind of start ("first", "later").
    """
    known = take_measured(measured, starts_s)
    costs, mean_s = known.costs, known.mean_service_s
    return {
        "costs": asdict(costs),
        "mean_service_s": mean_s,
        "starts_s": known.starts_s,
        "validation": validate(measured),
        "fixed": [
            simulate_fixed(known, workers, load, arrivals)
            for arrivals, loads in LOADS.items()
            for workers in WORKERS[arrivals]
            for load in loads
        ],
        "reserve": [
            simulate_reserve(known, offered, reserve) for offered in OFFERED for reserve in RESERVES
        ],
        "scaled": [row for name in SCENARIOS for row in simulate_scenario(known, name)],
    }


def take_measured(measured: dict[str, Any], starts_s: dict[str, float]) -> Measured:
    """Return what the simulations need: times of stages are those of real workers at light load."""
    light = measured["traces"]["real"]["light"]
    return Measured(
        find_costs(measured, "real"),
        [row[1] / 1e3 for row in light["photos"]],
        {**starts_s, "node": NODE_START_S},
    )


def find_costs(measured: dict[str, Any], kind: str) -> Costs:
    """Return the times of a photo beside its stages, with workers of a kind ("sleeping", "real").

    CPU times are those with the most sleeping workers: photos come one by one, as they do to many workers.
    At full load a few workers take many at once, which is cheaper.
    """
    light = measured["traces"][kind]["light"]
    cell = max(
        measured["cells"], key=lambda one: (one["service_s"], one["workers"], -one["front_ends"])
    )
    cpu_ms = cell["cpu_ms_per_image"]
    polling = measured["polling"]
    # Without what Valkey spends on these photos themselves.
    polls_ms = 1e3 * polling["cores"]["redis"] - polling["images_per_s"] * cpu_ms["redis"]
    return Costs(
        front_end_s=cpu_ms["app"] / 1e3,
        valkey_s=cpu_ms["redis"] / 1e3,
        poll_s=max(0.0, polls_ms) * EMPTY_PAUSE_S / polling["workers"] / 1e3,
        around_s=light["around_p50_ms"] / 1e3,
        handoff_s=light["queue_p50_ms"] / 1e3,
        gap_s=measured["traces"][kind]["gap_ms"] / 1e3,
    )


def validate(measured: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the comparisons with each kind of workers."""
    return {
        kind: [compare(trace, find_costs(measured, kind)) for trace in traces["loaded"]]
        for kind, traces in measured["traces"].items()
    }


def simulate_reserve(known: Measured, offered: float, reserve: float) -> dict[str, Any]:
    """Return the waits with R + β√R workers, for an offered load R and a reserve β."""
    workers = math.ceil(offered + reserve * math.sqrt(offered))
    return {
        "offered": offered,
        "reserve": reserve,
        **simulate_fixed(known, workers, offered / workers, "poisson"),
    }


def simulate_scenario(known: Measured, name: str) -> list[dict[str, Any]]:
    """Return the rows of a scenario: kinds of start, targets of the wait, and fixed workers."""
    per_worker_s = 1 / known.mean_service_s
    rates = [(MINUTE_S * minutes, load * per_worker_s) for minutes, load in SCENARIOS[name]]
    most = max(load for _, load in SCENARIOS[name])
    scaling = Scaling()
    later_s = known.starts_s["later"]
    rows = [
        {"start": kind, "target_s": scaling.wait_target_s}
        | simulate_scaled(known, rates, scaling, start_s=start_s)
        for kind, start_s in known.starts_s.items()
    ]
    rows += [
        {"start": "later", "target_s": target_s}
        | simulate_scaled(known, rates, replace(scaling, wait_target_s=target_s), start_s=later_s)
        for target_s in WAIT_TARGETS_S
        if target_s != scaling.wait_target_s
    ]
    fixed = math.ceil(most + math.sqrt(most))
    rows.append(
        {"start": None, "target_s": None}
        | simulate_scaled(known, rates, scaling, start_s=0.0, fixed=fixed)
    )
    return [{"scenario": name, "offered_most": most, **row} for row in rows]
