"""One Redis, two front ends and two workers on a host each; hosts are disconnected and come back."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.supervision import embedded_redis as embedded
from contract.keys import QUEUE_NAME
from tests.integration.hosts import Network, network
from tests.integration.http_requests import get, post
from tests.integration.in_flight import Load, check_end
from tests.integration.running import keys_of_jobs, wait_for
from tests.photos import file_of, photo

PORT = 8000
CLIENTS = 2  # of each front end
# The stand-in for the network takes so long for each photo.
PASS_S = 0.05
SETTINGS = {"RESULT_TTL_S": "3", "CACHE_MAX_BYTES": "0"}
WORKER_SETTINGS = {"MAINTENANCE_INTERVAL_S": "1", "PASS_S": str(PASS_S), "CODEC_THREADS": "1"}
# A worker may be silent for 15 s before its jobs are given to others.
WORKER_AWAY_S = 19.0
# No socket is waited for longer than 10 s.
REDIS_AWAY_S = 13.0
WORKERS = ("first", "second")


@dataclass(frozen=True)
class Hosts:
    """The addresses of all hosts, on their network."""

    network: Network
    store: str
    fronts: tuple[str, str]
    workers: dict[str, str]

    @property
    def redis_url(self) -> str:
        """The URL of Redis."""
        return f"redis://{self.store}:6379/0"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Return hosts on which Redis, two front ends and two workers run."""
    with network() as made:
        yield start_everything(made, tmp_path_factory.mktemp("hosts"))


@pytest.fixture
def hub(hosts: Hosts) -> Iterator[ThreadPoolExecutor]:
    """Return threads that reach the hosts."""
    threads = CLIENTS * len(hosts.fronts) + 1
    with ThreadPoolExecutor(threads, initializer=hosts.network.enter) as hub:
        yield hub


@pytest.mark.timeout(400)
def test_a_worker_and_a_front_end_that_come_back_have_lost_nothing(
    hosts: Hosts, hub: ThreadPoolExecutor
) -> None:
    load = Load(PORT)
    try:
        hub.submit(disconnect_worker_and_front_end, hosts, load, hub).result()
    finally:
        load.stop()
    assert load.faults == []
    first, second = hosts.fronts
    # Only clients of the disconnected front end may lose a connection.
    assert load.ends_of(first) == {"200"}
    assert not load.ends_of(second) & {"503", "504"}
    assert load.count_photos(second) > 0


def disconnect_worker_and_front_end(hosts: Hosts, load: Load, hub: ThreadPoolExecutor) -> None:
    """Disconnect a worker, then a front end, under load; runs on the hub."""
    fronts, worker = hosts.fronts, hosts.workers["first"]
    with Redis.from_url(hosts.redis_url) as connection:
        wait_until_ready(hosts, connection)
        for address in fronts * CLIENTS:
            hub.submit(load.run, address)
        wait_for(lambda: all(count_done(connection).values()), 60, "for photos of each worker")

        hosts.network.disconnect(worker)
        before = [load.count_photos(address) for address in fronts]
        time.sleep(WORKER_AWAY_S)
        after = [load.count_photos(address) for address in fronts]
        assert all(new > old for new, old in zip(after, before, strict=True))
        hosts.network.reconnect(worker)
        done = count_done(connection).get("first", 0)
        wait_for(lambda: count_done(connection).get("first", 0) != done, 60, "for its return")

        other, away = fronts
        hosts.network.disconnect(away)
        goal, goal_away = load.count_photos(other) + 5, load.count_photos(away) + 5
        wait_for(lambda: load.count_photos(other) > goal, 60, "for the other front end")
        hosts.network.reconnect(away)
        wait_for(lambda: load.count_photos(away) > goal_away, 90, "for its return")

        load.stop()
        wait_until_empty(connection)


@pytest.mark.timeout(300)
def test_a_redis_that_comes_back_has_lost_nothing(hosts: Hosts, hub: ThreadPoolExecutor) -> None:
    load = Load(PORT)
    try:
        hub.submit(disconnect_redis, hosts, load, hub).result()
    finally:
        load.stop()
    assert load.faults == []
    assert load.ends_of(hosts.fronts[0]) <= {"200", "503", "504"}


def disconnect_redis(hosts: Hosts, load: Load, hub: ThreadPoolExecutor) -> None:
    """Disconnect Redis under load; runs on the hub."""
    front = hosts.fronts[0]
    with Redis.from_url(hosts.redis_url) as connection:
        wait_until_ready(hosts, connection)
        for _ in range(CLIENTS):
            hub.submit(load.run, front)
        wait_for(lambda: load.count_photos(front) > 5, 60, "for the first photos")
        usual = load.measure_rate(front, 3)
        hosts.network.disconnect(hosts.store)
        time.sleep(REDIS_AWAY_S)
        # By now uploads are refused at once.
        size = (64, 64)
        refused = post(f"http://{front}:{PORT}/compress", content=file_of(photo(*size)), timeout=5)
        assert check_end(refused, size) == 503
        hosts.network.reconnect(hosts.store)
        wait_for(lambda: load.measure_rate(front, 2) > usual / 2, 60, "for the usual rate")
        load.stop()
        wait_until_empty(connection)


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_without_root_the_tests_are_skipped_but_fail_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/sbin/ip")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="needs root"), network():
        pass


def start_everything(made: Network, folder: Path) -> Hosts:
    """Start Redis, front ends and workers."""
    hosts = Hosts(
        made,
        made.add_host(),
        (made.add_host(), made.add_host()),
        {name: made.add_host() for name in WORKERS},
    )
    server = [
        *(str(embedded.find_server()), "--bind", hosts.store, "--protected-mode", "no"),
        *("--save", "", "--maxmemory-policy", "noeviction", "--dir", str(folder)),
    ]
    made.start(hosts.store, server, folder / "redis.log")
    settings = {"REDIS_URL": hosts.redis_url, **SETTINGS}
    module = "tests.integration.worker_without_network"
    for name, address in hosts.workers.items():
        command = [sys.executable, "-m", module, "--name", name]
        made.start(address, command, folder / f"{name}.log", **settings, **WORKER_SETTINGS)
    for number, address in enumerate(hosts.fronts):
        command = [sys.executable, "-m", "app", "serve", "--host", address, "--port", str(PORT)]
        made.start(address, command, folder / f"front{number}.log", **settings)
    return hosts


def wait_until_ready(hosts: Hosts, connection: Redis) -> None:
    """Return when every front end is ready and every worker is registered."""
    wait_for(lambda: all(map(is_ready, hosts.fronts)), 120, "for the front ends")
    wait_for(lambda: set(count_done(connection)) == set(WORKERS), 120, "for the workers")


def wait_until_empty(connection: Redis) -> None:
    """Return when nothing is left of any job."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    wait_for(lambda: not queue.started_job_registry.get_job_ids(), 60, "for the last job")
    # RQ itself records for a day which jobs it has seen on their way into a worker.
    recorded = queue.intermediate_queue_key + ":first_seen:"

    def find_left() -> set[str]:
        return {key for key in keys_of_jobs(connection) if not key.startswith(recorded)}

    wait_for(lambda: not find_left(), 30, "for an empty Redis")


def is_ready(address: str) -> bool:
    """Return whether a front end responds and has a worker."""
    try:
        return get(f"http://{address}:{PORT}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def count_done(connection: Redis) -> dict[str, int]:
    """Return how many jobs each registered worker has done."""
    workers = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
    return {worker.name: worker.successful_job_count for worker in workers}
