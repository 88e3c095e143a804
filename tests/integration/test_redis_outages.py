"""Redis is full, hangs, or is gone and comes back empty: nothing needs a restart."""

import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from redis import Redis

from app.redis import SOCKET_TIMEOUT_S
from app.supervision import embedded_redis as embedded
from bench.robustness.chaos_leftovers import find_leftovers
from tests.integration.http_requests import get, post
from tests.integration.in_flight import check_end, in_flight
from tests.integration.running import Running, run_service, wait_for
from tests.photos import file_of, photo

UPLOADS = 30
PASS_S = 0.3
SIZE = (160, 120)
SEEDS = count(1)
# RQ removes finished jobs from this list when their time is over.
FINISHED = "a key without TTL: rq:finished"
FULL_S = 5.0
# Longer than any socket is waited for, and than the longest pause between two attempts to connect.
GONE_S = 12.0
# What a busy machine may add.
MARGIN_S = 8.0


class Store:
    """A Redis of its own, which the service did not start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = embedded.url(folder)
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(embedded.command(embedded.find_server(), self._folder))
        embedded.wait_until_up(self.url, give_up=lambda: process.poll() is not None)
        return process

    def kill(self) -> None:
        """End it at once; what it held is lost."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again, empty."""
        self.process = self._start()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a running Redis."""
    folder = tmp_path_factory.mktemp("store")
    folder.chmod(0o700)
    store = Store(folder)
    yield store
    store.kill()


@pytest.fixture(scope="module")
def resilient_service(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service on that Redis, the same one for all tests."""
    with run_service(
        tmp_path_factory.mktemp("service"),
        pass_s=PASS_S,
        REDIS_URL=store.url,
        RESULT_TTL_S="60",  # results outlive an outage
        MAINTENANCE_INTERVAL_S="1",
    ) as service:
        assert service.url
        yield service


@pytest.fixture
def service(store: Store, resilient_service: Running) -> Iterator[Running]:
    """Return the service; afterwards it works, in the same processes, and no job is left."""
    pids = resilient_service.pids
    yield resilient_service
    wait_for(resilient_service.is_ready, 40, "to be ready again")
    assert upload(resilient_service.url) == 200
    assert resilient_service.pids == pids
    with Redis.from_url(store.url) as connection:
        wait_for(lambda: not find_lasting(connection), 20, "for an empty Redis")


def find_lasting(connection: Redis) -> list[str]:
    """Return what jobs have left behind in Redis and what does not expire."""
    faults = find_leftovers(connection)
    return [fault for fault in faults if "with TTL" not in fault and fault != FINISHED]


def upload(url: str, timeout_s: float = 60, **headers: str) -> int:
    """Send a photo that is neither under way nor cached; return its status."""
    content = file_of(photo(*SIZE, seed=next(SEEDS)))
    response = post(f"{url}/compress", content=content, headers=headers, timeout=timeout_s)
    return check_end(response, SIZE)


def test_uploads_in_flight_survive_a_full_redis(service: Running, store: Store) -> None:
    with Redis.from_url(store.url) as connection, in_flight(service.url, UPLOADS) as photos:
        connection.config_set("maxmemory", "1")
        waiting = photos.waiting
        new = post(f"{service.url}/compress", content=file_of(photo(seed=next(SEEDS))), timeout=30)
        time.sleep(FULL_S)
        connection.config_set("maxmemory", "1gb")
        assert new.status_code == 503
        assert new.json()["type"].endswith("queue-unavailable")
        assert waiting > UPLOADS // 2
        ends = photos.ends()
        assert ends[200] > UPLOADS - waiting, ends


def test_uploads_in_flight_survive_a_redis_that_hangs(service: Running, store: Store) -> None:
    url = service.url
    with in_flight(url, UPLOADS) as photos:
        store.process.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        try:
            waiting = photos.waiting
            # The first upload asks the cache, which costs one timeout. By then the front end has
            # found out that Redis hangs, and refuses uploads without asking.
            time.sleep(3)
            assert upload(url, SOCKET_TIMEOUT_S + MARGIN_S) == 503
            assert upload(url, MARGIN_S, **{"Cache-Control": "no-store"}) == 503
            assert get(f"{url}/livez", timeout=MARGIN_S).status_code == 200
            # Until every timeout of a socket has passed.
            time.sleep(max(0.0, stopped_s + SOCKET_TIMEOUT_S + 2 - time.monotonic()))
        finally:
            store.process.send_signal(signal.SIGCONT)
        assert waiting > UPLOADS // 2
        # Redis has kept the jobs, and their clients have waited.
        ends = photos.ends()
        assert ends[200] > UPLOADS - waiting, ends


def test_uploads_are_refused_while_redis_is_gone(service: Running, store: Store) -> None:
    store.kill()
    ends_s = time.monotonic() + GONE_S
    try:
        while time.monotonic() < ends_s:
            response = post(
                f"{service.url}/compress", content=file_of(photo(seed=next(SEEDS))), timeout=60
            )
            assert response.status_code == 503
            assert response.json()["type"].endswith(("queue-unavailable", "no-worker"))
            assert int(response.headers["Retry-After"]) > 0
            time.sleep(1)
    finally:
        store.restart()
