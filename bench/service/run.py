"""Load on the whole service over HTTP: throughput, latency, stages, CPU and memory.

Closed loop: each of ``--clients`` clients has one request in flight at any time. Open loop: requests
start at ``--rate``, whether or not earlier ones have a response. Then rivals are measured (`comparison`).
``--overload`` measures the service above its capacity instead (`overload`).
"""

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

from bench.datasets.uploads import UploadFormat, load_photos
from bench.environment import describe_machine, find_data, read_revision, write_result
from bench.load.closed_loop import DEFAULT_OPTIONS, MAIN_CLIENTS, HttpError
from bench.load.open_loop import SHARES, count_unexpected_errors, measure_open_loop
from bench.load.service_process import (
    AGAINST_HELP,
    Processes,
    ServiceError,
    parse_checkout,
    started_service,
)
from bench.load.statistics import rounded
from bench.load.window import measure_closed_loop
from bench.service.compared_servers import RIVALS, find_installed
from bench.service.comparison import compare
from bench.service.memory import measure_memory
from bench.service.overload import add_arguments as add_overload_arguments
from bench.service.overload import run_overload
from bench.service.ratios import find_ratios
from bench.service.report import print_report, summarize_server

ROUND_WARM_UP_S: Final = 1.0
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--images", type=Path, default=find_data() / "kodak", help="folder of photos (%(default)s)"
    )
    parser.add_argument(
        "--upload",
        choices=("jpeg", "stored"),
        default="jpeg",
        help="send JPEGs of quality 92, or the files unchanged (%(default)s)",
    )
    parser.add_argument(
        "--clients",
        type=int,
        nargs="+",
        default=[1, MAIN_CLIENTS],
        metavar="N",
        help="closed loop: number of clients, each with one request in flight (default: 1 16)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        nargs="*",
        metavar="R",
        help="open loop: images/s, sent whether or not earlier ones have a response (default: "
        f"{', '.join(map(str, SHARES))} times the closed loop's best; no number: no open loop)",
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="measured for each N (%(default)s)"
    )
    parser.add_argument(
        "--rate-seconds", type=float, default=10.0, help="measured for each R (%(default)s)"
    )
    parser.add_argument(
        "--warm-up", type=float, default=5.0, help="seconds before each N and R (%(default)s)"
    )
    parser.add_argument(
        "--options", default=DEFAULT_OPTIONS, help="query of /compress (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, help="of the service started here (default: the service chooses)"
    )
    parser.add_argument(
        "--url",
        help="http://HOST:PORT of a running service, whose CPU time, memory and GPU are unknown "
        "(default: a service is started)",
    )
    parser.add_argument("--memory", action="store_true", help="measure peak memory as well")
    parser.add_argument(
        "--rivals",
        nargs="*",
        choices=sorted(RIVALS),
        help="other servers with the same model and encoder, measured in rounds with Foveate, with "
        "16 clients or else the largest N (default: all that are installed; none with the --url "
        "of another machine; no name: none)",
    )
    parser.add_argument("--against", type=parse_checkout, metavar="CHECKOUT", help=AGAINST_HELP)
    parser.add_argument(
        "--rounds", type=int, default=12, help="with --rivals or --against (%(default)s)"
    )
    parser.add_argument(
        "--round-seconds",
        type=float,
        default=3.0,
        help="measured for each server in each round (%(default)s)",
    )
    add_overload_arguments(parser)
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return the exit code."""
    if mistake := find_usage_error(args):
        print(f"bench service: {mistake}", file=sys.stderr)
        return 2
    if args.overload is not None:
        return run_overload(args)
    photos, described = load_photos(args.images, cast("UploadFormat", args.upload))
    main_clients = MAIN_CLIENTS if MAIN_CLIENTS in args.clients else max(args.clients)
    report: dict[str, Any] = {
        "meta": {
            **describe_machine(),
            "photos": described,
            "options": args.options,
            "seconds": args.seconds,
            "warm_up_s": args.warm_up,
            "round_seconds": args.round_seconds,
            "summary_clients": main_clients,
            "against": read_revision(args.against) if args.against else None,
        }
    }
    try:
        report |= measure_all(args, photos, main_clients)
        report["meta"]["workers"] = report.pop("workers")
    except (ServiceError, HttpError) as error:
        print(f"bench service: {error}", file=sys.stderr)
        return 1
    print_report(report)
    write_result(args.out, rounded(report))
    return 1 if has_errors(report) else 0


def find_usage_error(args: argparse.Namespace) -> str | None:
    """Return what is wrong with the options; None if they are valid."""
    spans = (args.seconds, args.rate_seconds, args.round_seconds, args.deadline)
    if min(*args.clients, *spans, *(args.rate or ()), *(args.overload or ())) <= 0:
        return "N, R, M and seconds must be above 0"
    if min(args.clients) < 1 or args.warm_up < 0 or args.rounds < 1:
        return "clients and rounds must be 1 or more, the warm-up 0 or more"
    if args.url:
        parts = urlsplit(args.url)
        if args.memory:
            return "--memory starts its own service: leave out --url"
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            return "--url must be http://HOST:PORT, without a path"
    return None


def measure_all(args: argparse.Namespace, photos: list[bytes], main_clients: int) -> dict[str, Any]:
    """Return the report without its ``meta``."""
    target = f"/compress?{args.options}"
    with open_service(args) as (url, processes):
        workers = len(processes.by_role()["worker"]) if processes else None
        clients = {
            str(count): measure_closed_loop(
                url,
                target,
                photos,
                count,
                seconds=args.seconds,
                warm_up_s=args.warm_up,
                processes=processes,
            )
            for count in args.clients
        }
        open_loop = None
        if args.rate is None or args.rate:
            open_loop = measure_open_loop(
                url,
                target,
                photos,
                args.rate,
                closed_per_s=max(figures["images_per_s"] for figures in clients.values()),
                seconds=args.rate_seconds,
                warm_up_s=args.warm_up,
                processes=processes,
            )
    memory = measure_memory(target, photos, args.workers) if args.memory else None
    serving = measure_serving(args, photos, main_clients)
    # With rivals, Foveate's figures are of the same rounds: noise of the machine affects all alike.
    servers = serving["servers"] if serving else {"foveate": clients[str(main_clients)]}
    return {
        "workers": workers,
        "summary": {name: summarize_server(figures) for name, figures in servers.items()},
        "clients": clients,
        "open_loop": open_loop,
        "memory": memory,
        **({"ratios": find_ratios(serving, args.options), "serving": serving} if serving else {}),
    }


def has_errors(report: dict[str, Any]) -> bool:
    """Return whether there were unexpected errors; print those of the open loop and of rivals."""
    unexpected = count_unexpected_errors(report["open_loop"]) if report["open_loop"] else {}
    if unexpected:
        print(f"bench service: unexpected statuses in the open loop: {unexpected}", file=sys.stderr)
    failed = report.get("serving", {}).get("failed", {})
    for name, reason in failed.items():
        print(f"bench service: {name} was left out: {reason}", file=sys.stderr)
    has_failed = bool(unexpected or failed)
    return has_failed or any(own["errors"] for own in report["clients"].values())


def open_service(args: argparse.Namespace) -> AbstractContextManager[tuple[str, Processes | None]]:
    """Return the service of `--url`, or a new one that is stopped at the end."""
    if args.url:
        return nullcontext((args.url.rstrip("/"), None))
    return started_service(args.workers)


def measure_serving(
    args: argparse.Namespace, photos: list[bytes], clients: int
) -> dict[str, Any] | None:
    """Return the figures of Foveate, the installed rivals and `--against`; None without both."""
    rivals = args.rivals
    if rivals is None:
        here = not args.url or urlsplit(args.url).hostname in LOOPBACK
        rivals = list(RIVALS) if here else []
    if not rivals and not args.against:
        return None
    found, missing = find_installed(rivals)
    if missing:
        print(
            f"bench service: not installed: {', '.join(missing)} (the extra 'rivals')",
            file=sys.stderr,
        )
    return compare(
        found,
        photos,
        args.options,
        clients=clients,
        rounds=args.rounds,
        seconds=args.round_seconds,
        warm_up_s=min(args.warm_up, ROUND_WARM_UP_S),
        workers=args.workers,
        against=args.against,
        url=args.url.rstrip("/") if args.url else None,
    )
