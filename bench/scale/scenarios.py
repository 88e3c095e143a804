"""What is simulated: arrivals, fixed numbers of workers, and numbers that KEDA sets."""

import itertools
import math
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import simpy

from bench.load.statistics import percentile
from bench.scale.autoscaler import Autoscaler, Scaling
from bench.scale.simulation import Costs, Photo, Service, send, simulate

# Bursts: the rate is three times the mean for 10 s and a third of it for 30 s, both on average.
BURST_FACTOR: Final = 3.0
BURST_S: Final = 10.0
CALM_S: Final = 30.0
CALM_FACTOR: Final = 1 / 3
WORKERS: Final = {"poisson": (1, 2, 4, 8, 16, 32, 64, 128, 200), "bursty": (1, 4, 16, 64, 200)}
LOADS: Final = {"poisson": (0.5, 0.7, 0.8, 0.9, 0.95), "bursty": (0.3, 0.5, 0.7)}
# Least photos and seconds of each simulation, and the share that warms it up.
PHOTOS: Final = 20_000
LEAST_SIMULATED_S: Final = {"poisson": 20.0, "bursty": 200.0}
WARM_UP_SHARE: Final = 0.1
# A front end is not the limit: one for so much of its CPU time.
FRONT_END_SHARE: Final = 0.5
# REQUEST_TIMEOUT_S.
DEADLINE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What the simulation takes from measurements."""

    costs: Costs
    services_s: Sequence[float]
    """The times of the stages of photos, one after the other."""
    starts_s: dict[str, float]
    """Times from the start of a worker until it is ready, by name."""

    @property
    def mean_service_s(self) -> float:
        """The mean time of a photo's stages."""
        return statistics.fmean(self.services_s)


def draw_arrivals(rates_per_s: Iterator[tuple[float, float]], seed: int) -> Iterator[float]:
    """Yield times of a Poisson process whose rate changes: pairs of a duration in s and a rate."""
    generator = random.Random(seed)
    begin_s = 0.0
    for seconds, per_s in rates_per_s:
        at_s = begin_s
        while per_s and (at_s := at_s + generator.expovariate(per_s)) < begin_s + seconds:
            yield at_s
        begin_s += seconds


def draw_rates(arrivals: str, per_s: float, seed: int) -> Iterator[tuple[float, float]]:
    """Yield durations and rates of "poisson" or "bursty" arrivals with a mean of ``per_s``."""
    if arrivals == "poisson":
        yield math.inf, per_s
        return
    generator = random.Random(f"rates/{seed}")
    while True:
        yield generator.expovariate(1 / CALM_S), CALM_FACTOR * per_s
        yield generator.expovariate(1 / BURST_S), BURST_FACTOR * per_s


def draw_photos(times_s: Iterator[float], measured: Measured, seed: int) -> Iterator[Photo]:
    """Yield photos at these times, with service times drawn from the measured ones."""
    generator = random.Random(f"services/{seed}")
    for at_s in times_s:
        yield Photo(at_s, generator.choice(measured.services_s))


def count_front_ends(per_s: float, costs: Costs) -> int:
    """Return how many front ends carry a rate without being the limit."""
    return max(1, math.ceil(per_s * costs.front_end_s / FRONT_END_SHARE))


def simulate_fixed(
    measured: Measured, workers: int, load: float, arrivals: str, seed: int = 0
) -> dict[str, Any]:
    """Return waits and idle time of a number of workers at a load, a share of their capacity."""
    mean_s = measured.mean_service_s
    per_s = load * workers / mean_s
    count = round(max(PHOTOS, per_s * LEAST_SIMULATED_S[arrivals]))
    times_s = draw_arrivals(draw_rates(arrivals, per_s, seed), seed)
    photos = list(itertools.islice(draw_photos(times_s, measured, seed), count))
    ended, _ = simulate(photos, workers, measured.costs, count_front_ends(per_s, measured.costs))
    counted = ended[round(WARM_UP_SHARE * count) :]
    return {
        "arrivals": arrivals,
        "workers": workers,
        "load": load,
        "images_per_s": per_s,
        **describe_waits(counted),
        "valkey_load": per_s * measured.costs.valkey_s,
        "worker_s_per_1000": 1e3 * workers / per_s,
        "idle_share": 1 - load,
    }


def describe_waits(photos: Sequence[Photo]) -> dict[str, Any]:
    """Return mean and percentiles of the waits in seconds."""
    waits_s = [photo.wait_s for photo in photos]
    return {
        "wait_mean_s": statistics.fmean(waits_s),
        "wait_p95_s": percentile(waits_s, 0.95),
        "wait_p99_s": percentile(waits_s, 0.99),
    }


def simulate_scaled(
    measured: Measured,
    rates_per_s: Sequence[tuple[float, float]],
    scaling: Scaling,
    *,
    start_s: float,
    fixed: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return waits, losses and cost with the numbers of workers that KEDA sets, or a fixed number.

    The cost is that of the whole scenario: workers cost from the start of their processes.
    """
    env = simpy.Environment()
    costs, end_s = measured.costs, sum(seconds for seconds, _ in rates_per_s)
    most_per_s = max(per_s for _, per_s in rates_per_s)
    service = Service(
        env, costs, count_front_ends(most_per_s, costs), DEADLINE_S, measured.mean_service_s
    )
    photos = list(draw_photos(draw_arrivals(iter(rates_per_s), seed), measured, seed))
    scaler = Autoscaler(service, scaling, start_s)
    if fixed:
        for _ in range(fixed):
            env.process(service.run_worker(0.0))
    else:
        env.process(scaler.run(end_s))
    env.process(send(service, photos))
    env.run(until=end_s)
    bought_s = service.count_bought_s()
    env.run(until=end_s + 2 * DEADLINE_S)
    done = [photo for photo in photos if photo.ended_s is not None]
    return {
        "photos": len(photos),
        "lost_share": 1 - len(done) / len(photos),
        **describe_waits(done),
        "most_workers": fixed or scaler.most,
        "worker_s_per_1000": 1e3 * bought_s / len(photos),
        "idle_share": max(0.0, 1 - service.busy_s / bought_s),
    }
