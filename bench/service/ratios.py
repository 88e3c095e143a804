"""Foveate's cost and speed relative to what would be used instead, with the goal of each.

Each ratio is computed within a round, where noise of the machine affects both sides.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.load.closed_loop import DEFAULT_OPTIONS, SERVICE_DEFAULTS, name_query

Figure = dict[str, Any]

CPU_AT_MOST: Final = {name_query(SERVICE_DEFAULTS): 0.75, DEFAULT_OPTIONS: 1.4}
NETWORK_AT_MOST: Final = 0.35
RATE_AT_LEAST: Final = {"mosec": 1.0, "litserve": 1.1}
LATENCY_AT_MOST_MS: Final = 5.0


def find_ratios(serving: Mapping[str, Any], options: str) -> dict[str, Any]:
    """Return the ratios of `comparison.compare`'s result; None where one side is unknown.

    Args:
        serving: the result.
        options: the query of ``/compress`` that all servers were measured with.
    """
    servers, alone = serving["servers"], serving["alone"]["rounds"]
    ours = servers["foveate"]["rounds"]
    by_query = {
        name_query(SERVICE_DEFAULTS): serving["defaults"]["rounds"],
        name_query(options): ours,
    }
    workers = serving["workers"] or 1
    rivals = {
        name: name if workers == 1 else f"{name}, {workers} workers" for name in RATE_AT_LEAST
    }
    return {
        "cpu_time_over_decode_and_mozjpeg": {
            query: divide(
                [sum_cpu_ms(one) for one in rounds],
                [read(one, "mozjpeg", query, "cpu_ms") for one in alone],
                at_most=CPU_AT_MOST.get(query),
            )
            for query, rounds in by_query.items()
        },
        "network_cpu_time_over_torch_float32": divide(
            [read(one, "network", "cpu_ms") for one in alone],
            [read(one, "network", "torch_float32_cpu_ms") for one in alone],
            at_most=NETWORK_AT_MOST,
        ),
        "images_per_s_over": {
            server: divide(
                [one["images_per_s"] for one in ours],
                [one["images_per_s"] for one in servers[server]["rounds"]]
                if server in servers
                else [None] * len(ours),
                at_least=RATE_AT_LEAST[name],
            )
            for name, server in rivals.items()
        },
        "single_client_p50_minus_stages_alone_ms": subtract(
            [one["p50_ms"] for one in serving["single_client"]["rounds"]],
            [read(one, "single", "p50_ms") for one in alone],
            at_most=LATENCY_AT_MOST_MS,
        ),
    }


def sum_cpu_ms(figures: Mapping[str, Any]) -> float | None:
    """Return the CPU time per image of front end, worker and Redis; None if it is unknown."""
    spent = figures["cpu_ms_per_image"]
    return sum(spent[role] for role in ("app", "worker", "redis")) if spent else None


def read(figures: Mapping[str, Any], *keys: str) -> float | None:
    """Return a figure of nested dictionaries; None if it is missing."""
    found: Any = figures
    for key in keys:
        found = (found or {}).get(key)
    return None if found is None else float(found)


def divide(
    ours: Sequence[float | None],
    others: Sequence[float | None],
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Figure | None:
    """Return the geometric mean of the rounds' ratios, with its standard error and its goal."""
    logs = [math.log(own / other) for own, other in zip(ours, others, strict=True) if own and other]
    if len(logs) < len(ours):
        return None
    mean, error = average(logs)
    ratio = math.exp(mean)
    return {
        "ratio": ratio,
        "standard_error": None if error is None else ratio * error,
        **judge(ratio, at_most, at_least),
    }


def subtract(
    ours: Sequence[float], others: Sequence[float | None], *, at_most: float
) -> Figure | None:
    """Return the mean of the rounds' differences, with its standard error and its goal."""
    differences = [
        own - other for own, other in zip(ours, others, strict=True) if other is not None
    ]
    if len(differences) < len(ours):
        return None
    mean, error = average(differences)
    return {"difference": mean, "standard_error": error, **judge(mean, at_most, None)}


def average(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and its standard error, which is None for one value."""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
    return statistics.fmean(values), error


def judge(value: float, at_most: float | None, at_least: float | None) -> Figure:
    """Return the goal of a figure and whether it is met; empty without a goal."""
    if at_most is not None:
        return {"at_most": at_most, "met": value <= at_most}
    if at_least is not None:
        return {"at_least": at_least, "met": value >= at_least}
    return {}


def list_ratios(ratios: Mapping[str, Any]) -> list[str]:
    """Return a line of text for each ratio."""
    lines = []
    for name, found in ratios.items():
        single = found is None or "standard_error" in found
        for key, own in ({"": found} if single else found).items():
            title = f"{name.replace('_', ' ')} {key}".strip()
            lines.append(f"{title}: {describe(own)}")
    return lines


def describe(figure: Figure | None) -> str:
    """Return a figure with its goal as text."""
    if figure is None:
        return "unknown"
    value = figure["ratio"] if "ratio" in figure else figure["difference"]
    error = figure["standard_error"]
    text = f"{value:.3f}" if error is None else f"{value:.3f} ± {error:.3f}"
    for key in ("at_most", "at_least"):
        if key in figure:
            verdict = "met" if figure["met"] else "not met"
            return f"{text} (goal {key.replace('_', ' ')} {figure[key]}: {verdict})"
    return text
