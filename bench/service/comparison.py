"""The same model and encoder behind several servers, to compare the cost of serving.

All servers are started first and measured in many short rounds, each in another order. Servers are
compared by their ratio within a round, so that noise affects all alike. A server that waits for its
turn is paused. ``alone`` measures the stages without a server; ``before`` is another version of ours.
"""

import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.load.closed_loop import Load
from bench.load.gpu_utilisation import sample_gpu
from bench.load.service_process import ServiceError, Steal
from bench.load.statistics import mean_batch, medians, read_metrics, summarize
from bench.service.compared_servers import BEFORE, Server, ask_once, list_others, started_ours
from bench.service.stages_alone import started_alone

MEASURED: Final = ("images_per_s", "p50_ms", "p95_ms", "p99_ms")
SINGLE: Final = "single client"
ALONE: Final = "alone"
# Largest share of steal in a round that counts.
MAX_STEAL: Final = 0.05


def compare(
    rivals: Sequence[str],
    photos: list[bytes],
    options: str,
    *,
    clients: int,
    rounds: int,
    seconds: float,
    warm_up_s: float,
    against: Path | None = None,
    url: str | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Return each server's figures: medians over the rounds, and the rounds themselves.

    ``against`` is a checkout of another version, whose JPEGs may be others; ``url`` is ours where it
    runs already, ``workers`` how many it is to have. Where ours has more than one, it is measured
    with one as well, and rivals that can have several processes that compress with as many as ours.

    Raises:
        ServiceError: a server does not start, or a rival's JPEG differs from ours.
    """
    with ExitStack() as running:
        alone = running.enter_context(started_alone(photos, options))

        def start(name: str, server: AbstractContextManager[Server]) -> Server:
            servers[name] = own = running.enter_context(server)
            jpegs[name] = ask_once(own.url, options, photos[0])
            if jpegs[name] != jpegs["foveate"] and name != BEFORE:
                raise ServiceError(f"{name} gives another JPEG than foveate")
            own.pause()
            return own

        def turn(server: Server, clients: int) -> dict[str, Any]:
            server.resume()
            try:
                return measure(
                    server, options, photos, clients, seconds=seconds, warm_up_s=warm_up_s
                )
            finally:
                server.pause()

        servers: dict[str, Server] = {}
        jpegs: dict[str, bytes] = {}
        ours = start("foveate", started_ours(url=url, workers=workers))
        for name, server in list_others(rivals, options, ours.workers, against).items():
            start(name, server)
        turns: dict[str, Callable[[], dict[str, Any]]] = {
            name: partial(turn, server, clients) for name, server in servers.items()
        }
        turns[SINGLE] = partial(turn, ours, 1)
        turns[ALONE] = partial(alone, seconds)
        taken = take_turns(turns, rounds)
    single, stages = taken.pop(SINGLE), taken.pop(ALONE)
    return {
        "clients": clients,
        "workers": ours.workers,
        "servers": {
            name: {
                **medians(drop_disturbed(figures)),
                "ratio": compare_rates(figures, taken["foveate"]),
                "rounds": figures,
            }
            for name, figures in taken.items()
        },
        "single_client": {**medians(drop_disturbed(single)), "rounds": single},
        "alone": {
            **{
                name: own
                for name, own in medians(drop_disturbed(stages)).items()
                if name != "steal"
            },
            "rounds": stages,
        },
    }


def take_turns(
    turns: Mapping[str, Callable[[], dict[str, Any]]], rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each turn by round, after one round to warm up."""
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        order = list(turns)
        random.Random(number).shuffle(order)
        for name in order:
            taken[name].append(turns[name]())
    return {name: figures[1:] for name, figures in taken.items()}


def compare_rates(
    figures: Sequence[dict[str, Any]], base: Sequence[dict[str, Any]]
) -> dict[str, float | None]:
    """Return a server's images/s over those of ``base`` in the same round.

    The geometric mean over the rounds, and its standard error; None of a single round.
    """
    logs = [
        math.log(own["images_per_s"] / other["images_per_s"])
        for own, other in zip(figures, base, strict=True)
    ]
    mean = math.exp(statistics.fmean(logs))
    error = mean * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else None
    return {"images_per_s": mean, "standard_error": error}


def drop_disturbed(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rounds with little steal, or all if there are none."""
    return [figure for figure in figures if figure["steal"] <= MAX_STEAL] or figures


def measure(
    server: Server,
    options: str,
    photos: list[bytes],
    clients: int,
    *,
    seconds: float,
    warm_up_s: float,
) -> dict[str, Any]:
    """Return one server's figures under so many clients."""
    load = Load(server.url, f"/compress?{options}", photos, clients)
    ours = server.describe is None
    load.start()
    try:
        time.sleep(warm_up_s)
        with sample_gpu() as gpu_percent:
            metrics = read_metrics(server.url) if ours else {}
            before, steal, started_s = server.cpu_s(), Steal(), time.monotonic()
            time.sleep(seconds)
            ended_s, stolen, after = time.monotonic(), steal.share(), server.cpu_s()
            batch = mean_batch(metrics, read_metrics(server.url)) if ours else None
            gpu = gpu_percent() if after else None
    finally:
        load.stop()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    summary = summarize(samples, ended_s - started_s)
    if summary["errors"]:
        raise ServiceError(f"errors under load: {summary['errors']}")
    images = summary["images"]
    if not images:
        raise ServiceError("no response within the time measured")
    return {
        **{name: summary[name] for name in MEASURED},
        "steal": stolen,
        # The throughput corrected for steal.
        "unstolen_images_per_s": summary["images_per_s"] / (1 - stolen),
        "cpu_ms_per_image": {role: 1e3 * (after[role] - before[role]) / images for role in after},
        "gpu_percent": gpu,
        **(
            server.describe(started_s, ended_s)
            if server.describe
            else {"mean_batch": batch, "stage_ms": summary["stage_ms"]}
        ),
    }
