"""One Redis, two front ends, three workers, each on a host of its own; hosts are cut off and back."""

import os
import shutil
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import pytest
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.supervision import embedded_redis as embedded
from contract.keys import PROBE_KEY, QUEUE_NAME
from tests.integration.hosts import Network, network
from tests.integration.in_flight import end_of
from tests.integration.running import keys_of_jobs, wait_for
from tests.photos import file_of, photo

PORT = 8000
CLIENTS = 2  # of each front end
RESULT_TTL_S = "3"
# Longer than a worker may be silent before its jobs are given to others.
CUT_OFF_S = 20.0
# Longer than any socket is waited for.
REDIS_CUT_OFF_S = 14.0
WORKERS = ("first", "second", "third")


@dataclass(frozen=True)
class Machines:
    """Their addresses."""

    store: str
    fronts: list[str]
    workers: dict[str, str]

    @property
    def redis_url(self) -> str:
        """Where Redis is."""
        return f"redis://{self.store}:6379/0"


class Load:
    """Clients that upload until they are told to stop; each photo has a size of its own."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []
        self._widths = count()
        self._stop = threading.Event()

    def run(self, address: str) -> None:
        """Upload to one front end, one photo after the other."""
        with httpx.Client(base_url=f"http://{address}:{PORT}", timeout=90) as client:
            while not self._stop.is_set():
                size = (64 + next(self._widths) % 400, 96)
                try:
                    answer = client.post("/compress", content=file_of(photo(*size)))
                except httpx.TransportError as error:
                    self.answers[address, type(error).__name__] += 1
                    time.sleep(0.2)
                    continue
                self.answers[address, str(answer.status_code)] += 1
                try:
                    end_of(answer, size)
                except AssertionError as error:
                    self.wrong.append(f"{size}: {error}")

    def outcomes(self, address: str) -> set[str]:
        """Return how uploads to a front end have ended."""
        return {outcome for of, outcome in self.answers if of == address}

    def rate(self, address: str, seconds: float) -> float:
        """Return how many JPEGs a second a front end answers from now on."""
        before = self.good(address)
        time.sleep(seconds)
        return (self.good(address) - before) / seconds

    def good(self, address: str) -> int:
        """Return how many JPEGs a front end has answered."""
        return self.answers[address, "200"]

    def stop(self) -> None:
        """Let every client end after its answer."""
        self._stop.set()


@pytest.mark.timeout(400)
def test_a_host_that_is_cut_off_and_back_loses_nothing(tmp_path: Path) -> None:
    with network() as net, ThreadPoolExecutor(2 * CLIENTS + 1, initializer=net.enter) as hub:
        load = Load()
        machines = start_everything(net, tmp_path)
        try:
            hub.submit(drill, net, machines, load, hub).result()
        finally:
            load.stop()
    assert load.wrong == []
    first, second = machines.fronts
    # Only clients of the host that was cut off itself may have lost a connection.
    assert load.outcomes(first) == {"200"}
    assert not load.outcomes(second) & {"503", "504"}
    assert load.good(second) > 0


@pytest.mark.timeout(300)
def test_a_redis_whose_host_is_cut_off_and_back_loses_nothing_untold(tmp_path: Path) -> None:
    with network() as net, ThreadPoolExecutor(CLIENTS + 1, initializer=net.enter) as hub:
        load = Load()
        machines = start_everything(net, tmp_path, fronts=1, workers=WORKERS[:1])
        try:
            hub.submit(cut_redis_off, net, machines, load, hub).result()
        finally:
            load.stop()
    assert load.wrong == []
    assert load.outcomes(machines.fronts[0]) <= {"200", "503", "504"}


def cut_redis_off(net: Network, machines: Machines, load: Load, hub: ThreadPoolExecutor) -> None:
    """Cut Redis off and back under load; runs on the hub."""
    (front,) = machines.fronts
    with Redis.from_url(machines.redis_url) as connection:
        wait_for(lambda: is_ready(front), 120, "for the front end")
        for _ in range(CLIENTS):
            hub.submit(load.run, front)
        wait_for(lambda: load.good(front) > 5, 60, "for the first photos")
        usual = load.rate(front, 4)
        net.cut_off(machines.store)
        time.sleep(REDIS_CUT_OFF_S)
        # Who comes meanwhile is told at once.
        size = (64, 64)
        url = f"http://{front}:{PORT}/compress"
        refused = httpx.post(url, content=file_of(photo(*size)), timeout=5)
        assert end_of(refused, size) == httpx.codes.SERVICE_UNAVAILABLE
        net.reconnect(machines.store)
        back_s = time.monotonic()
        wait_for(lambda: load.rate(front, 2) > usual / 2, 60, "for the usual rate")
        print(f"{usual:.1f} photos/s again after {time.monotonic() - back_s:.1f} s")
        load.stop()
        wait_until_empty(connection)


@pytest.mark.parametrize(
    ("ci", "end"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_that_nothing_was_tried_is_told(
    monkeypatch: pytest.MonkeyPatch, ci: str, end: type[BaseException]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/sbin/ip")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(end, match="needs root"), network():
        pass


def start_everything(
    net: Network, folder: Path, *, fronts: int = 2, workers: tuple[str, ...] = WORKERS
) -> Machines:
    """Start Redis, front ends and workers."""
    machines = Machines(
        net.add_host(),
        [net.add_host() for _ in range(fronts)],
        {name: net.add_host() for name in workers},
    )
    server = [
        *(str(embedded.find_server()), "--bind", machines.store, "--protected-mode", "no"),
        *("--save", "", "--maxmemory-policy", "noeviction", "--dir", str(folder)),
    ]
    net.start(machines.store, server, folder / "redis.log")
    settings = {
        "REDIS_URL": machines.redis_url,
        "RESULT_TTL_S": RESULT_TTL_S,
        "CACHE_MAX_BYTES": "0",
    }
    for name, address in machines.workers.items():
        command = [sys.executable, "-m", "worker", "--name", name]
        net.start(address, command, folder / f"{name}.log", MAINTENANCE_INTERVAL_S="1", **settings)
    for number, address in enumerate(machines.fronts):
        command = [sys.executable, "-m", "app", "serve", "--host", address, "--port", str(PORT)]
        net.start(address, command, folder / f"front{number}.log", **settings)
    return machines


def drill(net: Network, machines: Machines, load: Load, hub: ThreadPoolExecutor) -> None:
    """Cut hosts off and back under load; runs on the hub."""
    fronts, first_worker = machines.fronts, machines.workers["first"]
    with Redis.from_url(machines.redis_url) as connection:
        wait_for(lambda: all(map(is_ready, fronts)), 120, "for the front ends")
        wait_for(lambda: set(done_by(connection)) == set(WORKERS), 120, "for the workers")
        for address in fronts * CLIENTS:
            hub.submit(load.run, address)
        wait_for(lambda: all(done_by(connection).values()), 60, "for each worker's share")

        net.cut_off(first_worker)
        cut_s = time.monotonic()
        before = [load.good(address) for address in fronts]
        time.sleep(CUT_OFF_S)
        after = [load.good(address) for address in fronts]
        assert min(new - old for new, old in zip(after, before, strict=True)) > 0
        net.reconnect(first_worker)
        print(f"cut off for {time.monotonic() - cut_s:.1f} s: {before} to {after}")
        done = done_by(connection).get("first", 0)
        wait_for(lambda: done_by(connection).get("first", 0) != done, 60, "for its return")

        cut_off_front = fronts[1]
        net.cut_off(cut_off_front)
        other, again = load.good(fronts[0]), load.good(cut_off_front)
        wait_for(lambda: load.good(fronts[0]) > other + 5, 60, "for the other front end")
        net.reconnect(cut_off_front)
        wait_for(lambda: load.good(cut_off_front) > again + 5, 90, "for its return")

        load.stop()
        wait_until_empty(connection)


def wait_until_empty(connection: Redis) -> None:
    """Return when nothing is left of any job."""
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    wait_for(lambda: not queue.started_job_registry.get_job_ids(), 60, "for the last job")
    # RQ itself notes for a day which jobs it has seen on their way into a worker.
    noted = queue.intermediate_queue_key + ":first_seen:"

    def left() -> set[str]:
        return {key for key in keys_of_jobs(connection) if not key.startswith(noted)}

    wait_for(lambda: left() <= {PROBE_KEY}, 30, "for an empty Redis")


def is_ready(address: str) -> bool:
    """Return whether a front end answers, and has a worker."""
    try:
        return httpx.get(f"http://{address}:{PORT}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def done_by(connection: Redis) -> dict[str, int]:
    """Return how many jobs each registered worker has done."""
    workers = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
    return {worker.name: worker.successful_job_count for worker in workers}
