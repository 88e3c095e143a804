"""The same model and encoder behind several servers, to compare the cost of serving.

All servers are started first. They are measured in many short rounds, in a different order each, and
compared by their ratio within a round, so that noise affects all alike. A server is paused while
others are measured. ``alone`` is the stages without a server; ``before`` is another version of Foveate.
"""

import math
import random
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.load.closed_loop import SERVICE_DEFAULTS, HttpError, Load
from bench.load.gpu_utilisation import sample_gpu
from bench.load.service_process import ServiceError, Steal
from bench.load.statistics import mean_batch, medians, read_metrics, summarize
from bench.service.compared_servers import BEFORE, Server, fetch_jpeg, list_others, started_foveate
from bench.service.stages_alone import started_alone

MEASURED: Final = ("images_per_s", "p50_ms", "p95_ms", "p99_ms")
SINGLE: Final = "single client"
DEFAULTS: Final = "defaults"
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

    A server other than Foveate that does not start or respond is left out; ``failed`` says why.

    Args:
        rivals: names of rivals.
        photos: uploads.
        options: query of ``/compress``.
        clients: number of clients.
        rounds: number of rounds after a first one that does not count.
        seconds: measured for each server in each round.
        warm_up_s: load before each measurement.
        against: checkout of another version. Its JPEGs may differ.
        url: where Foveate already runs; None starts it.
        workers: number of its workers; None lets the service choose. With several, Foveate is also
            measured with one, and rivals in `SCALING` also with as many processes.

    Raises:
        ServiceError: Foveate does not start or respond, or a rival's JPEG differs from its JPEG.
    """
    failed: dict[str, str] = {}
    with ExitStack() as running:
        alone = running.enter_context(started_alone(photos, options))

        def start(name: str, server: AbstractContextManager[Server]) -> Server:
            started = running.enter_context(server)
            jpegs[name] = fetch_jpeg(started.url, options, photos[0])
            started.pause()
            servers[name] = started
            return started

        def measure_resumed(server: Server, clients: int, query: str = options) -> dict[str, Any]:
            server.resume()
            try:
                return measure(server, query, photos, clients, seconds=seconds, warm_up_s=warm_up_s)
            finally:
                server.pause()

        servers: dict[str, Server] = {}
        jpegs: dict[str, bytes] = {}
        ours = start("foveate", started_foveate(url=url, workers=workers))
        for name, server in list_others(rivals, options, ours.workers, against).items():
            try:
                start(name, server)
            except (ServiceError, HttpError) as error:
                failed[name] = str(error)
        for name, jpeg in jpegs.items():
            if jpeg != jpegs["foveate"] and name != BEFORE:
                raise ServiceError(f"{name} returns another JPEG than foveate")
        measurements: dict[str, Callable[[], dict[str, Any]]] = {
            name: partial(measure_resumed, server, clients) for name, server in servers.items()
        }
        measurements[SINGLE] = partial(measure_resumed, ours, 1)
        measurements[DEFAULTS] = partial(measure_resumed, ours, clients, SERVICE_DEFAULTS)
        measurements[ALONE] = partial(alone, seconds)
        others = servers.keys() - {"foveate"}
        measured = measure_rounds(measurements, rounds, others, failed)
    single, defaults, stages = (measured.pop(name) for name in (SINGLE, DEFAULTS, ALONE))
    return {
        "clients": clients,
        "workers": ours.workers,
        "failed": failed,
        "servers": {
            name: {
                **medians(drop_disturbed(figures)),
                "ratio": compare_rates(figures, measured["foveate"]),
                "rounds": figures,
            }
            for name, figures in measured.items()
        },
        "single_client": {**medians(drop_disturbed(single)), "rounds": single},
        "defaults": {**medians(drop_disturbed(defaults)), "rounds": defaults},
        "alone": {
            **{
                name: own
                for name, own in medians(drop_disturbed(stages)).items()
                if name != "steal"
            },
            "rounds": stages,
        },
    }


def measure_rounds(
    measurements: Mapping[str, Callable[[], dict[str, Any]]],
    rounds: int,
    may_fail: Collection[str],
    failed: dict[str, str],
) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each measurement by round, without a first round that warms up.

    Each round has another order, which depends on its number only. A measurement in ``may_fail`` that
    fails is left out from then on, and noted in ``failed``.

    Raises:
        ServiceError: another measurement failed.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in measurements}
    for number in range(rounds + 1):
        order = list(found)
        random.Random(number).shuffle(order)
        for name in order:
            try:
                found[name].append(measurements[name]())
            except ServiceError as error:
                if name not in may_fail:
                    raise
                failed[name] = str(error)
                del found[name]
    return {name: figures[1:] for name, figures in found.items()}


def compare_rates(
    figures: Sequence[dict[str, Any]], base: Sequence[dict[str, Any]]
) -> dict[str, float | None]:
    """Return a server's images/s divided by those of ``base`` in the same round.

    It is the geometric mean over the rounds, with its standard error, which is None for one round.
    """
    logs = [
        math.log(own["images_per_s"] / other["images_per_s"])
        for own, other in zip(figures, base, strict=True)
    ]
    mean = math.exp(statistics.fmean(logs))
    error = mean * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else None
    return {"images_per_s": mean, "standard_error": error}


def drop_disturbed(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rounds with at most `MAX_STEAL`; all rounds if there are none."""
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
    """Return one server's figures under load from ``clients`` clients.

    Raises:
        ServiceError: a request failed, or none ended within the time.
    """
    load = Load(server.url, f"/compress?{options}", photos, clients)
    has_metrics = server.describe is None
    load.start()
    try:
        time.sleep(warm_up_s)
        with sample_gpu() as gpu_percent:
            metrics = read_metrics(server.url) if has_metrics else {}
            before, steal, started_s = server.cpu_s(), Steal(), time.monotonic()
            time.sleep(seconds)
            ended_s, stolen, after = time.monotonic(), steal.share(), server.cpu_s()
            batch = mean_batch(metrics, read_metrics(server.url)) if has_metrics else None
            gpu = gpu_percent() if after else None
    finally:
        load.stop()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    summary = summarize(samples, ended_s - started_s)
    if summary["errors"]:
        raise ServiceError(f"errors under load: {summary['errors']}")
    images = summary["images"]
    if not images:
        raise ServiceError("no response within the measured time")
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
