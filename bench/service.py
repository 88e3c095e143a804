"""Load on the whole service over HTTP: throughput, latency, stages, CPU and memory.

Closed loop: ``--clients`` clients, each with one request under way at any time.
"""

import argparse
import json
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, cast

from bench.load import Connection, HttpError, Load, send
from bench.machine import describe_machine
from bench.service_figures import mean_batch, parse_metrics, rounded, summarize
from bench.service_photos import UploadFormat, generate_photo, load_photos, to_jpeg
from bench.service_process import Processes, ServiceError, revision, started_service
from bench.serving import RIVALS, available, compare

DEFAULT_IMAGES: Final = Path(os.environ.get("FOVEATE_DATA", "../shared/data")) / "kodak"
DEFAULT_OPTIONS: Final = "quality=50&target=size&progressive=false"
MAIN_CLIENTS: Final = 16
MEMORY_UPLOADS: Final = 500
LARGE_SIZE_PX: Final = (6000, 4000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument("--images", type=Path, default=DEFAULT_IMAGES, help="folder of photos")
    parser.add_argument(
        "--upload",
        choices=("jpeg", "stored"),
        default="jpeg",
        help="send the photos as JPEGs of quality 92, or the files as they are (default: jpeg)",
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, MAIN_CLIENTS], metavar="N")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured, for each N")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds before, for each N")
    parser.add_argument("--options", default=DEFAULT_OPTIONS, help="query of /compress")
    parser.add_argument("--workers", type=int, default=1, help="of the service started here")
    parser.add_argument("--url", help="a running service; without it one is started here")
    parser.add_argument("--memory", action="store_true", help="measure peak memory as well")
    parser.add_argument(
        "--rivals",
        nargs="*",
        choices=sorted(RIVALS),
        default=[],
        help="other servers with the same model and encoder, in rounds with ours",
    )
    parser.add_argument("--against", type=Path, help="with --rivals: another checkout, as well")
    parser.add_argument("--rounds", type=int, default=3, help="of all servers, with --rivals")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    if min(args.clients) < 1 or args.seconds <= 0 or (args.memory and args.url):
        print("bench: N and S must be above 0; --memory needs no --url", file=sys.stderr)
        return 2
    photos, described = load_photos(args.images, cast("UploadFormat", args.upload))
    meta = {
        **describe_machine(),
        "photos": described,
        "options": args.options,
        "workers": None if args.url else args.workers,
        "seconds": args.seconds,
        "warm_up_s": args.warm_up,
        "against": revision(args.against) if args.against else None,
    }
    target = f"/compress?{args.options}"
    try:
        with service_at(args) as (url, processes):
            figures = {
                str(clients): measure(url, target, photos, clients, args=args, processes=processes)
                for clients in args.clients
            }
        memory = measure_memory(target, photos, args.workers) if args.memory else None
        serving = measure_serving(args, photos) if args.rivals else None
    except (ServiceError, HttpError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    main_clients = MAIN_CLIENTS if MAIN_CLIENTS in args.clients else max(args.clients)
    report: dict[str, Any] = {
        "meta": meta,
        "summary": {"foveate": summary(figures[str(main_clients)], main_clients)},
        "clients": figures,
        "memory": memory,
    }
    if serving is not None:
        report["serving"] = serving
        report["summary"] |= {
            name: {key: value for key, value in server.items() if key != "rounds"}
            for name, server in serving["servers"].items()
            if name != "foveate"
        }
    show(report)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(rounded(report), indent=2, ensure_ascii=False) + "\n")
    return 1 if any(figure["errors"] for figure in figures.values()) else 0


def service_at(args: argparse.Namespace) -> AbstractContextManager[tuple[str, Processes | None]]:
    """Return the given service, or one that is started and drained here."""
    if args.url:
        return nullcontext((args.url.rstrip("/"), None))
    return started_service(args.workers)


def measure(
    url: str,
    target: str,
    photos: list[bytes],
    clients: int,
    *,
    args: argparse.Namespace,
    processes: Processes | None,
) -> dict[str, Any]:
    """Return the figures of ``clients`` clients; they keep on before and after the window."""
    load = Load(url, target, photos, clients)
    load.start()
    try:
        time.sleep(args.warm_up)
        before, cpu_before = read_metrics(url), processes.cpu_s() if processes else {}
        own_before_s, started_s = time.process_time(), time.monotonic()
        time.sleep(args.seconds)
        own_s, ended_s = time.process_time() - own_before_s, time.monotonic()
        cpu_after, after = processes.cpu_s() if processes else {}, read_metrics(url)
    finally:
        load.stop()
    samples = [sample for sample in load.samples if started_s <= sample.ended_s < ended_s]
    figures = summarize(samples, ended_s - started_s)
    images = figures["images"] or 1
    figures["mean_batch"] = mean_batch(before, after)
    figures["cpu_ms_per_image"] = {
        role: 1e3 * (cpu_after[role] - cpu_before[role]) / images for role in cpu_after
    }
    figures["load_cpu_ms_per_image"] = 1e3 * own_s / images
    figures["peak_rss_bytes"] = processes.peak_rss_bytes() if processes else {}
    return figures


def measure_serving(args: argparse.Namespace, photos: list[bytes]) -> dict[str, Any]:
    """Return the figures of ours and of the rivals that are installed."""
    found, missing = available(args.rivals)
    if missing:
        print(f"bench: not installed: {', '.join(missing)} (the extra 'rivals')", file=sys.stderr)
    return compare(
        found,
        photos,
        args.options,
        clients=MAIN_CLIENTS,
        rounds=args.rounds,
        seconds=args.seconds,
        warm_up_s=args.warm_up,
        against=args.against.resolve() if args.against else None,
    )


def measure_memory(target: str, photos: list[bytes], workers: int) -> dict[str, Any]:
    """Return peak resident sets of a fresh service: ready, after many photos, after a large one."""
    with started_service(workers) as (url, processes):
        peaks: dict[str, Any] = {"ready": processes.peak_rss_bytes()}
        load = Load(url, target, photos, MAIN_CLIENTS, limit=MEMORY_UPLOADS)
        load.start()
        load.join()
        peaks[f"after_{MEMORY_UPLOADS}_uploads"] = processes.peak_rss_bytes()
        large = to_jpeg(generate_photo(*LARGE_SIZE_PX, seed=0))
        connection = Connection(url)
        sample = send(connection, target, large)
        connection.close()
        peaks["after_24_megapixels"] = processes.peak_rss_bytes()
        statuses = [*(s.status for s in load.samples), sample.status]
        peaks["errors"] = summarize([*load.samples, sample], 1.0)["errors"]
        peaks["large_photo"] = {
            "bytes": len(large),
            "status": statuses[-1],
            "ms": sample.elapsed_ms,
        }
    return peaks


def read_metrics(url: str) -> dict[str, float]:
    """Return the service's metrics."""
    connection = Connection(url)
    answer = connection.request("GET", "/metrics")
    connection.close()
    return parse_metrics(answer.body.decode())


def summary(figures: dict[str, Any], clients: int) -> dict[str, Any]:
    """Return the figures that a server is compared by."""
    names = ("images_per_s", "p50_ms", "p99_ms", "cpu_ms_per_image", "mean_batch", "stage_ms")
    return {"clients": clients, **{name: figures.get(name) for name in names}}


def show(report: dict[str, Any]) -> None:
    """Print the figures as small tables."""
    print(f"{report['meta']['photos']}; {report['meta']['options']}")
    print(f"{'clients':>7} {'images/s':>8} {'p50 ms':>7} {'p95 ms':>7} {'p99 ms':>7} "
          f"{'batch':>5}  stages p50 ms | CPU ms per image | errors")  # fmt: skip
    for clients, figures in report["clients"].items():
        latency = " ".join(f"{figures.get(f'p{p}_ms', float('nan')):7.1f}" for p in (50, 95, 99))
        stages = figures.get("stage_ms", {})
        times = " ".join(f"{name} {stage['p50']:.1f}" for name, stage in stages.items())
        cpu = " ".join(f"{role} {ms:.1f}" for role, ms in figures["cpu_ms_per_image"].items())
        errors = figures["errors"] or "none"
        print(f"{clients:>7} {figures['images_per_s']:8.1f} {latency} "
              f"{figures['mean_batch'] or float('nan'):5.1f}  {times} | {cpu} | {errors}")  # fmt: skip
    for name, server in report.get("serving", {}).get("servers", {}).items():
        cpu = " ".join(f"{role} {ms:.1f}" for role, ms in server["cpu_ms_per_image"].items())
        print(
            f"{name:>10} {server['images_per_s']:6.1f} images/s, p50 {server['p50_ms']:.0f} ms,"
            f" CPU ms per image: {cpu}"
        )
    if "serving" in report:
        for kind, figures in report["serving"]["alone"].items():
            if kind != "rounds":
                print(f"{'alone':>10} {kind}: {figures}")
        print(f"one client: {report['serving']['single_client']['p50_ms']:.1f} ms")
    for moment, peaks in (report["memory"] or {}).items():
        if moment not in {"errors", "large_photo"}:
            sizes = ", ".join(f"{role} {size / 2**20:.0f} MiB" for role, size in peaks.items())
            print(f"peak memory {moment.replace('_', ' ')}: {sizes}")
