"""Figures from samples, ``Server-Timing`` headers and Prometheus text."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from bench.load.closed_loop import Connection, Sample

STAGES: Final = ("queue", "decode", "predict", "encode")
# The rest of a request's time: HTTP, Redis, and waiting for the other photos of the batch.
REST: Final = "other"
NO_RESPONSE: Final = "no response"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` (0 to 1) of ``values`` lie, interpolated linearly.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def parse_server_timing(header: str) -> dict[str, float]:
    """Return the durations in ms of a ``Server-Timing`` header (W3C Server Timing, 3).

    Entries without a duration are left out.
    """
    durations = {}
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "dur":
                try:
                    durations[name] = float(value.strip().strip('"'))
                except ValueError:
                    continue
    return durations


def parse_metrics(text: str) -> dict[str, float]:
    """Return the samples of Prometheus' text format: name with its labels, and value."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def read_metrics(url: str) -> dict[str, float]:
    """Return the service's metrics; an empty dictionary if it refuses to show them."""
    connection = Connection(url)
    response = connection.request("GET", "/metrics")
    connection.close()
    return parse_metrics(response.body.decode()) if response.status == 200 else {}


def mean_batch(before: dict[str, float], after: dict[str, float]) -> float | None:
    """Return the mean batch size between two readings of the metrics; None without a batch."""
    total, count = (
        after.get(name, 0.0) - before.get(name, 0.0)
        for name in ("foveate_batch_size_sum", "foveate_batch_size_count")
    )
    return total / count if count else None


def summarize(samples: Sequence[Sample], seconds: float) -> dict[str, Any]:
    """Return throughput, latency, stages and errors of requests that ended within ``seconds``."""
    good = [sample for sample in samples if sample.status == 200]
    errors = Counter(
        str(sample.status or NO_RESPONSE) for sample in samples if sample.status != 200
    )
    figures: dict[str, Any] = {
        "images": len(good),
        "seconds": seconds,
        "images_per_s": len(good) / seconds,
        "errors": dict(errors),
    }
    if good:
        elapsed_ms = [sample.elapsed_ms for sample in good]
        figures |= {
            f"p{round(100 * share)}_ms": percentile(elapsed_ms, share)
            for share in (0.5, 0.95, 0.99)
        }
        figures["mean_sent_bytes"] = statistics.fmean(sample.sent_bytes for sample in good)
        figures["mean_received_bytes"] = statistics.fmean(sample.received_bytes for sample in good)
        figures["stage_ms"] = summarize_stages(good)
    return figures


def summarize_stages(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Return median and mean in ms of each stage, and of the rest ("other")."""
    times: dict[str, list[float]] = {}
    for sample in samples:
        stages = parse_server_timing(sample.server_timing)
        stages[REST] = max(0.0, sample.elapsed_ms - sum(stages.values()))
        for name, elapsed_ms in stages.items():
            times.setdefault(name, []).append(elapsed_ms)
    order = [*STAGES, *sorted(times.keys() - {*STAGES, REST}), REST]
    return {
        name: {"p50": percentile(times[name], 0.5), "mean": statistics.fmean(times[name])}
        for name in order
        if name in times
    }


def medians(rounds: Sequence[Any]) -> Any:
    """Return the median of each number in dictionaries of the same keys; None if a number is None."""
    if isinstance(rounds[0], dict):
        return {key: medians([one[key] for one in rounds]) for key in rounds[0]}
    if any(one is None for one in rounds):
        return None
    return statistics.median(rounds)


def rounded(value: Any) -> Any:
    """Return JSON values with floats at four significant digits, or whole from 10,000 up."""
    if isinstance(value, float):
        return round(value) if abs(value) >= 10_000 else float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value
