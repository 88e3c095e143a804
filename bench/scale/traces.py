"""Open-loop load on two workers, photo by photo: when it came, what its stages took, how long it waited."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from bench.load.closed_loop import Load, Sample
from bench.load.open_loop import LEAD_S, Arrival, OpenLoad, poisson_arrivals
from bench.load.service_process import ServiceError
from bench.load.statistics import STAGES, parse_server_timing, percentile
from bench.scale.throughput import TARGET

# Offered load as shares of the closed loop's rate. At the first one hardly any photo waits for another.
LIGHT_SHARE: Final = 0.1
SHARES: Final = (0.5, 0.7, 0.85)
WORKERS: Final = 2
# So many that no worker is ever idle beside one that has taken several photos.
CLIENTS: Final = 16
PARTS: Final = 5
WARM_UP_S: Final = 2.0
QUEUE: Final = "queue"

CpuTimes = Callable[[], dict[str, float]]


def measure_workers(
    url: str, photos: Sequence[bytes], cpu_s: CpuTimes, seconds: float
) -> dict[str, Any]:
    """Return the closed loop's rate, the gap between two photos, and the traces of a light load and of each of `SHARES`.

    ``cpu_s`` returns the CPU time of each role so far.

    Raises:
        ServiceError: a photo gets no JPEG.
    """
    closed_per_s, gap_ms = measure_capacity(url, photos, seconds)
    light, *loaded = (
        measure_trace(url, photos, share * closed_per_s, seconds, cpu_s)
        for share in (LIGHT_SHARE, *SHARES)
    )
    return {
        "closed_loop_images_per_s": closed_per_s,
        "gap_ms": gap_ms,
        "light": light,
        "loaded": [{"share": share, **trace} for share, trace in zip(SHARES, loaded, strict=True)],
    }


def measure_capacity(url: str, photos: Sequence[bytes], seconds: float) -> tuple[float, float]:
    """Return the photos per second of clients that each wait for their last response.

    And the time in ms of a worker between the stages of two photos, when it always has one. Both are
    medians of parts: another process may stop all for a second.

    Raises:
        ServiceError: too few photos end.
    """
    load = Load(url, TARGET, photos, CLIENTS)
    load.start()
    time.sleep(WARM_UP_S + seconds)
    ended_s = time.monotonic()
    load.stop()
    within = [one for one in load.samples if ended_s - seconds <= one.ended_s < ended_s]
    return find_capacity(sorted(within, key=lambda one: one.ended_s))


def find_capacity(samples: Sequence[Sample]) -> tuple[float, float]:
    """Return rate and gap from samples in the order of their ends.

    Raises:
        ServiceError: there are fewer than two for each part, or one is no JPEG.
    """
    size = (len(samples) - 1) // PARTS
    if size < 1 or any(one.status != 200 for one in samples):
        raise ServiceError(f"{len(samples)} photos ended, or some got no JPEG")
    rates_per_s, gaps_ms = [], []
    for number in range(PARTS):
        first, *rest = samples[number * size : (number + 1) * size + 1]
        each_s = (rest[-1].ended_s - first.ended_s) / size
        rates_per_s.append(1 / each_s)
        stages_ms = statistics.fmean(sum_stages(one.server_timing) for one in rest)
        gaps_ms.append(1e3 * WORKERS * each_s - stages_ms)
    return statistics.median(rates_per_s), max(0.0, statistics.median(gaps_ms))


def sum_stages(server_timing: str) -> float:
    """Return the time of a photo's stages in a worker in ms."""
    stages = parse_server_timing(server_timing)
    return sum(stages.get(name, 0.0) for name in STAGES if name != QUEUE)


def measure_trace(
    url: str, photos: Sequence[bytes], per_s: float, seconds: float, cpu_s: CpuTimes
) -> dict[str, Any]:
    """Return one trace and its summary; times are milliseconds.

    Raises:
        ServiceError: a photo gets no JPEG.
    """
    load = OpenLoad(url, TARGET, photos)
    due_s = poisson_arrivals(per_s, seconds, seed=3)
    before_s = cpu_s()
    start_s = time.monotonic() + LEAD_S
    load.start([start_s + due for due in due_s])
    load.join()
    spent_s = {role: after - before_s[role] for role, after in cpu_s().items()}
    bad = [one.sample.status for one in load.arrivals if one.sample.status != 200]
    if bad or len(load.arrivals) < len(due_s):
        raise ServiceError(f"photos without a JPEG: {bad}")
    arrivals = sorted(load.arrivals, key=lambda one: one.sent_s)
    rows = [describe(one, start_s) for one in arrivals]
    print_trace(per_s, rows)
    return {
        "images_per_s": per_s,
        "cpu_ms_per_image": {role: 1e3 * spent / len(rows) for role, spent in spent_s.items()},
        **summarise(rows),
        "photos": rows,
    }


def describe(arrival: Arrival, start_s: float) -> list[float]:
    """Return when a photo was sent, what its stages took, how long it waited, and that in the queue; in ms.

    The wait is all the time from sending to the response but that of the stages.
    """
    service_ms = sum_stages(arrival.sample.server_timing)
    queue_ms = parse_server_timing(arrival.sample.server_timing)[QUEUE]
    elapsed_ms = 1e3 * (arrival.sample.ended_s - arrival.sent_s)
    row = (1e3 * (arrival.sent_s - start_s), service_ms, elapsed_ms - service_ms, queue_ms)
    return [round(value, 2) for value in row]


def summarise(rows: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return means and percentiles of a trace's rows in ms."""
    _, services_ms, waits_ms, queues_ms = zip(*rows, strict=True)
    return {
        "service_mean_ms": statistics.fmean(services_ms),
        "wait_mean_ms": statistics.fmean(waits_ms),
        "wait_p50_ms": percentile(waits_ms, 0.5),
        "wait_p95_ms": percentile(waits_ms, 0.95),
        "wait_p99_ms": percentile(waits_ms, 0.99),
        "queue_p50_ms": percentile(queues_ms, 0.5),
        "around_p50_ms": percentile(
            [wait - queue for wait, queue in zip(waits_ms, queues_ms, strict=True)], 0.5
        ),
    }


def print_trace(per_s: float, rows: Sequence[Sequence[float]]) -> None:
    """Print one line."""
    found = summarise(rows)
    shown = ", ".join(f"{name} {value:.1f}" for name, value in found.items())
    print(f"{per_s:.1f} photos/s: {shown}", flush=True)
