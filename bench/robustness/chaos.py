"""Random faults under load: each request gets its own JPEG or a clear error, Redis keeps nothing.

Workers, front ends and Redis are killed (SIGKILL), workers are stopped (SIGSTOP) and connections to
Redis are cut at random. 5 % of the uploads are damaged. Afterwards Redis must hold no key without a
time to live and no started job, and within a minute no process may hold more memory than before. Then
the same uploads are sent repeatedly without faults, and no process's memory may grow.
"""

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil

from bench.environment import describe_machine, write_result
from bench.load.service_process import Processes, ServiceError, started_service
from bench.load.statistics import rounded
from bench.robustness.chaos_clients import EMPTY, Clients
from bench.robustness.chaos_cuts import RandomCuts
from bench.robustness.chaos_leftovers import connect_to_redis, find_socket, wait_until_idle
from bench.robustness.chaos_memory import (
    find_growth,
    find_largest,
    find_redis_growth,
    read_memory,
    read_resident_bytes,
    used_bytes,
    wait_for_memory,
)

REQUEST_TIMEOUT_S: Final = 30
RESULT_TTL_S: Final = 3
# Time beyond its timeout that a request may take to be sent and received on a loaded machine.
MARGIN_S: Final = 30.0
# Share of the commands to Redis at which the connection is cut.
CUT_SHARE: Final = 0.002
# Statuses that an upload may get while nothing is killed.
EXPECTED_STATUSES: Final = {"200", "415", "422"}

ACTS: Final = (
    ("worker", signal.SIGKILL),
    ("app", signal.SIGKILL),
    ("redis", signal.SIGKILL),
    ("worker", signal.SIGSTOP),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument(
        "--minutes", type=float, default=2.0, help="of load with kills (%(default)s)"
    )
    parser.add_argument("--clients", type=int, default=8, help="of the closed loop (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="of the service (%(default)s)")
    parser.add_argument("--pause", type=float, default=8.0, help="mean seconds between two kills")
    parser.add_argument(
        "--cuts",
        type=float,
        default=CUT_SHARE,
        metavar="SHARE",
        help="of the commands to Redis at which the connection is cut (%(default)s)",
    )
    parser.add_argument(
        "--stretches",
        type=int,
        default=6,
        help="rounds of equal uploads after the kills (%(default)s)",
    )
    parser.add_argument(
        "--uploads-each", type=int, default=50, help="uploads per client and round (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of uploads and kills (%(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a fault was found."""
    try:
        report = run_chaos(
            60 * args.minutes,
            clients=args.clients,
            workers=args.workers,
            pause_s=args.pause,
            cut_share=args.cuts,
            seed=args.seed,
            stretches=args.stretches,
            uploads_each=args.uploads_each,
        )
    except ServiceError as error:
        print(f"bench chaos: {error}", file=sys.stderr)
        return 1
    report = {"meta": {**describe_machine(), "seed": args.seed}, **report}
    print(json.dumps(rounded({k: v for k, v in report.items() if k != "meta"}), indent=2))
    write_result(args.out, rounded(report))
    return 1 if report["faults"] else 0


def run_chaos(
    seconds: float,
    *,
    clients: int,
    workers: int,
    pause_s: float,
    cut_share: float,
    seed: int,
    stretches: int,
    uploads_each: int,
    acts: tuple[tuple[str, signal.Signals], ...] = ACTS,
) -> dict[str, Any]:
    """Return how requests ended, which processes were killed, and all faults.

    Args:
        seconds: duration of the load with kills.
        clients: number of clients.
        workers: number of workers.
        pause_s: mean time between two kills.
        cut_share: share of the commands to Redis at which the connection is cut.
        seed: of uploads and kills.
        stretches: rounds after the kills, each with the same uploads.
        uploads_each: uploads of each client in such a round.
        acts: roles and signals. Each is used once before any is repeated, so that a short run has
            all of them.
    """
    settings = {
        "REQUEST_TIMEOUT_S": str(REQUEST_TIMEOUT_S),
        "RESULT_TTL_S": str(RESULT_TTL_S),
        "MAINTENANCE_INTERVAL_S": "1",
        "WORKER_GRACE_S": "60",
    }
    with started_service(workers, settings) as (url, processes):
        with connect_to_redis(processes) as connection:
            empty_bytes = used_bytes(connection)
        load = Clients(url, clients, seed, REQUEST_TIMEOUT_S + MARGIN_S)
        # Fills buffers and pools, so that memory before and after can be compared.
        send_all(url, load, uploads_each)
        before_bytes = read_memory(processes)
        with RandomCuts(find_socket(processes), cut_share, seed) as cuts:
            load.start()
            time.sleep(min(5.0, seconds / 5))
            done = kill_at_random(processes, seconds, pause_s, random.Random(seed), acts)
            load.stop()
            cuts.stop()
            faults = Counter(load.faults)
            faults.update(wait_until_idle(url, processes))
            memory = wait_for_memory(processes, before_bytes)
            faults.update(memory.pop("faults"))
            calm = measure_growth(url, processes, load, stretches, uploads_each)
            faults.update(calm.pop("faults"))
            faults.update(find_redis_growth(empty_bytes, calm["redis_bytes"]))
    return {
        "seconds": seconds,
        "acts": dict(done),
        "cuts": dict(sorted(cuts.done.items())),
        "requests": sum(load.ends.values()),
        "ends": dict(sorted(load.ends.items())),
        "damaged": dict(sorted(load.damaged.items())),
        "lost": load.lost,
        "wrong": len(load.faults) - load.lost - load.faults.count(EMPTY),
        "empty": load.faults.count(EMPTY),
        "slowest_s": load.slowest_s,
        "memory": memory,
        "calm": {**calm, "redis_bytes_at_start": empty_bytes},
        "faults": dict(faults),
    }


def send_all(url: str, like: Clients, uploads_each: int) -> Clients:
    """Send ``uploads_each`` uploads of each client; return the clients when all have ended.

    ``like`` gives the number of clients, the seed and the time limit.
    """
    load = Clients(url, like.count, like.seed, like.max_request_s, uploads_each)
    load.start()
    load.join(uploads_each * load.max_request_s)
    return load


def measure_growth(
    url: str, processes: Processes, like: Clients, stretches: int, uploads_each: int
) -> dict[str, Any]:
    """Send the same uploads repeatedly without kills; return how they ended and the memory used."""
    ends: Counter[str] = Counter()
    damaged: Counter[str] = Counter()
    faults: list[str] = []
    readings = []
    for _ in range(stretches):
        load = send_all(url, like, uploads_each)
        readings.append(read_resident_bytes(processes))
        ends.update(load.ends)
        damaged.update(load.damaged)
        faults += load.faults
    faults += [f"{end} without a kill" for end in ends.keys() - EXPECTED_STATUSES]
    faults += find_growth(readings[0], readings[-1])
    faults += wait_until_idle(url, processes)
    with connect_to_redis(processes) as connection:
        redis_bytes = used_bytes(connection)
    return {
        "ends": dict(sorted(ends.items())),
        "damaged": dict(sorted(damaged.items())),
        "rss_bytes": [find_largest(held) for held in readings],
        "redis_bytes": redis_bytes,
        "faults": faults,
    }


def kill_at_random(
    processes: Processes,
    seconds: float,
    pause_s: float,
    order: random.Random,
    acts: tuple[tuple[str, signal.Signals], ...],
) -> Counter[str]:
    """Kill and stop random processes for `seconds`; return how often each act happened."""
    done: Counter[str] = Counter()
    ends_s = time.monotonic() + seconds
    remaining: list[tuple[str, signal.Signals]] = []
    while (left_s := ends_s - time.monotonic()) > 0:
        time.sleep(min(left_s, order.uniform(0.5, 1.5) * pause_s))
        if not remaining:
            remaining = order.sample(acts, len(acts))
        role, number = remaining.pop()
        victims = processes.by_role()[role]
        if victims:
            with suppress(psutil.NoSuchProcess):
                order.choice(victims).send_signal(number)
                done[f"{number.name} {role}"] += 1
    return done
