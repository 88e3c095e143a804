"""Random kills under load: each request gets its own JPEG or a clear error, Redis keeps nothing.

Workers, front ends and Redis are killed (SIGKILL) and workers stopped (SIGSTOP) at random; 5 % of
the uploads are damaged. Afterwards Redis must hold no key without a time to live and no started
job. Then the same uploads are sent repeatedly without kills, and no process's memory may grow.
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
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS

from bench.environment import describe_machine, write_result
from bench.load.closed_loop import Connection, HttpError
from bench.load.service_process import Processes, ServiceError, started_service
from bench.load.statistics import rounded
from bench.robustness.chaos_clients import Clients
from bench.robustness.chaos_memory import (
    find_growth,
    find_largest,
    find_redis_growth,
    read_resident_bytes,
    used_bytes,
)
from contract.keys import QUEUE_NAME

REQUEST_TIMEOUT_S: Final = 30
RESULT_TTL_S: Final = 3
# Time beyond its timeout that a request may take to be sent and received on a loaded machine.
MARGIN_S: Final = 30.0
IDLE_TIMEOUT_S: Final = 120.0
WORKER_PREFIX: Final = "rq:worker:"
# RQ's entries of queues and groups, which never expire.
PERMANENT_KEYS: Final = ("rq:queues", "rq:workers", "rq:group")
# Entries of workers, locks and the write probe: renewed regularly, each with a TTL.
EXPIRING_KEYS: Final = (WORKER_PREFIX, "rq:clean_", "foveate:writable")
# Statuses that an upload may get while nothing is killed.
EXPECTED_ENDS: Final = {"200", "415", "422"}

ACTS: Final = (
    ("worker", signal.SIGKILL),
    ("app", signal.SIGKILL),
    ("redis", signal.SIGKILL),
    ("worker", signal.SIGSTOP),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the benchmark's options."""
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pause", type=float, default=8.0, help="mean seconds between two acts")
    parser.add_argument(
        "--stretches", type=int, default=6, help="repetitions of the uploads after the kills"
    )
    parser.add_argument(
        "--uploads-each", type=int, default=50, help="uploads of a client in each repetition"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file to write")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark; return 1 if a fault was found."""
    try:
        report = run_chaos(
            60 * args.minutes,
            clients=args.clients,
            workers=args.workers,
            pause_s=args.pause,
            seed=args.seed,
            stretches=args.stretches,
            uploads_each=args.uploads_each,
        )
    except ServiceError as error:
        print(f"bench: {error}", file=sys.stderr)
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
    seed: int,
    stretches: int,
    uploads_each: int,
    acts: tuple[tuple[str, signal.Signals], ...] = ACTS,
) -> dict[str, Any]:
    """Return how requests ended, which processes were killed, and all faults.

    Each of ``acts`` happens once before any is repeated, so that a short run has all of them. After
    the kills each client sends ``uploads_each`` uploads ``stretches`` times.
    """
    settings = {
        "REQUEST_TIMEOUT_S": str(REQUEST_TIMEOUT_S),
        "RESULT_TTL_S": str(RESULT_TTL_S),
        "MAINTENANCE_INTERVAL_S": "1",
        "WORKER_GRACE_S": "60",
    }
    with started_service(workers, settings) as (url, processes):
        with connected(processes) as connection:
            empty_bytes = used_bytes(connection)
        load = Clients(url, clients, seed, REQUEST_TIMEOUT_S + MARGIN_S)
        load.start()
        time.sleep(min(5.0, seconds / 5))
        done = kill_at_random(processes, seconds, pause_s, random.Random(seed), acts)
        load.stop()
        faults = Counter(load.faults)
        faults.update(wait_until_idle(url, processes))
        calm = measure_growth(url, processes, load, stretches, uploads_each)
        faults.update(calm.pop("faults"))
        faults.update(find_redis_growth(empty_bytes, calm["redis_bytes"]))
    return {
        "seconds": seconds,
        "acts": dict(done),
        "requests": sum(load.ends.values()),
        "ends": dict(sorted(load.ends.items())),
        "damaged": dict(sorted(load.damaged.items())),
        "slowest_s": load.slowest_s,
        "calm": {**calm, "redis_bytes_at_start": empty_bytes},
        "faults": dict(faults),
    }


def measure_growth(
    url: str, processes: Processes, like: Clients, stretches: int, uploads_each: int
) -> dict[str, Any]:
    """Send the same uploads repeatedly without kills; return how they ended and the memory held."""
    ends: Counter[str] = Counter()
    damaged: Counter[str] = Counter()
    faults: list[str] = []
    readings = []
    for _ in range(stretches):
        load = Clients(url, like.count, like.seed, like.max_request_s, uploads_each)
        load.start()
        load.join(uploads_each * load.max_request_s)
        readings.append(read_resident_bytes(processes))
        ends.update(load.ends)
        damaged.update(load.damaged)
        faults += load.faults
    faults += [f"{end} without a kill" for end in ends.keys() - EXPECTED_ENDS]
    faults += find_growth(readings[0], readings[-1])
    faults += wait_until_idle(url, processes)
    with connected(processes) as connection:
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
    coming: list[tuple[str, signal.Signals]] = []
    while (left_s := ends_s - time.monotonic()) > 0:
        time.sleep(min(left_s, order.uniform(0.5, 1.5) * pause_s))
        if not coming:
            coming = order.sample(acts, len(acts))
        role, number = coming.pop()
        victims = processes.by_role()[role]
        if victims:
            with suppress(psutil.NoSuchProcess):
                order.choice(victims).send_signal(number)
                done[f"{number.name} {role}"] += 1
    return done


def wait_until_idle(url: str, processes: Processes) -> list[str]:
    """Wait until no fault is left or the time is up; return the faults left."""
    deadline_s = time.monotonic() + IDLE_TIMEOUT_S
    faults = ["nothing was checked"]
    while faults and time.monotonic() < deadline_s:
        time.sleep(0.5)
        faults = [] if is_ready(url) else ["not ready"]
        try:
            with connected(processes) as connection:
                faults += find_leftovers(connection)
        except Exception as error:  # noqa: BLE001
            faults.append(f"Redis: {type(error).__name__}")
    return faults


def find_leftovers(connection: "Redis") -> list[str]:
    """Return what jobs have left behind in Redis: one line for each leftover."""
    faults = []
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    if queue.count or queue.intermediate_queue.get_job_ids():
        faults.append("jobs wait")
    if queue.started_job_registry.get_job_ids(cleanup=False):
        faults.append("a job is in the started registry")
    for raw in connection.scan_iter():
        key, life = raw.decode(), "without" if connection.ttl(raw) == -1 else "with"
        if not key.startswith(PERMANENT_KEYS) and (
            life == "without" or not key.startswith(EXPIRING_KEYS)
        ):
            faults.append(f"a key {life} TTL: {drop_job_id(key)}")
    listed = connection.smembers(REDIS_WORKER_KEYS)
    gone = sum(not connection.exists(worker_key) for worker_key in listed)
    return faults + gone * ["a worker that is gone is on RQ's list"]


def drop_job_id(key: str) -> str:
    """Return a key without the part that differs between jobs."""
    return ":".join(key.split(":")[:2])


def is_ready(url: str) -> bool:
    """Return whether the service reports that it is ready."""
    connection = Connection(url)
    try:
        return connection.request("GET", "/readyz").status == 200
    except HttpError:
        return False
    finally:
        connection.close()


def connected(processes: Processes) -> Redis:
    """Return a client of the Redis that the service has started."""
    (server,) = processes.by_role()["redis"]
    # A running server replaces its command line by a title: "… unixsocket:PATH".
    title = " ".join(server.cmdline())
    path = title.partition("unixsocket")[2].lstrip(": ").split()[0]
    return Redis.from_url(f"unix://{path}?db=0", socket_timeout=5)
