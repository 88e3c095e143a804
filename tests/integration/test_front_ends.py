"""Several front ends on one port: they share its connections, and one can die without the others."""

import json
import secrets
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.integration.running import Running, metric_in, run_service, wait_for
from tests.photos import file_of, photo

CONNECTIONS = 64
DONE = 'foveate_requests_total{status="200"}'


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service of two front ends."""
    with run_service(tmp_path_factory.mktemp("pair"), "--front-ends", "2") as running:
        assert running.url
        yield running


def number_behind(service: Running, client: httpx.Client) -> int:
    """Return which front end a client's connection has got to: its log line says so."""
    name = secrets.token_hex(8)
    assert client.get("/jobs/none", headers={"X-Request-ID": name}).status_code == 404

    def found() -> list[str]:
        return [line for line in list(service.lines) if f'"request_id": "{name}"' in line]

    wait_for(found)
    return int(json.loads(found()[0])["front_end"])


@contextmanager
def connected(service: Running, count: int) -> Iterator[list[tuple[int, httpx.Client]]]:
    """Open connections; yield them, each with the front end that it got to."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=service.url, timeout=60))
            for _ in range(count)
        ]
        yield [(number_behind(service, client), client) for client in clients]


@contextmanager
def client_of_each(service: Running) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Return a client whose connection is the first front end's, and one of the second."""
    with connected(service, 32) as found:
        of = dict(found)
        yield of[1], of[2]


def read(client: httpx.Client, name: str) -> float:
    return metric_in(client.get("/metrics").text, name)


def front_end_process(service: Running, number: int) -> psutil.Process:
    (process,) = service.children(f"--number {number}")
    return process


def test_connections_go_to_both(pair: Running) -> None:
    with connected(pair, CONNECTIONS) as found:
        counts = Counter(number for number, _ in found)
    # Chance alone gives one of them less once in millions of times.
    assert min(counts[1], counts[2]) >= 10, counts


def test_whichever_is_asked_tells_the_counts_of_both(pair: Running) -> None:
    with client_of_each(pair) as (first, second):
        before = read(first, DONE) if DONE in first.get("/metrics").text else 0.0
        sent = [
            client.post("/compress", content=file_of(photo(seed=seed)))
            for seed, client in enumerate([first, first, first, second, second])
        ]
        assert [answer.status_code for answer in sent] == [200] * 5
        assert read(first, DONE) == read(second, DONE) == before + 5
        for client in (first, second):
            assert read(client, "foveate_workers") == 1


def test_uploads_that_one_holds_are_pending_for_the_other_too(pair: Running) -> None:
    arrived = threading.Event()

    def body() -> Iterator[bytes]:
        data = file_of(photo())
        yield data[:100]
        arrived.wait(15)
        yield data[100:]

    with client_of_each(pair) as (first, second), ThreadPoolExecutor(1) as pool:
        sending = pool.submit(first.post, "/compress", content=body())
        try:
            wait_for(lambda: read(second, "foveate_pending_uploads") == 1, 10)
        finally:
            arrived.set()
        assert sending.result().status_code == 200
        wait_for(lambda: read(second, "foveate_pending_uploads") == 0, 10)


def test_a_job_that_one_took_is_found_by_the_other(pair: Running) -> None:
    with client_of_each(pair) as (first, second):
        taken = first.post(
            "/compress", content=file_of(photo(seed=77)), headers={"Prefer": "respond-async"}
        )
        assert taken.status_code == 202
        path = taken.headers["location"]
        with second.stream("GET", f"{path}/events") as events:
            assert "finished" in events.read().decode()
        assert second.get(path).json()["state"] == "finished"
        assert second.get(f"{path}/image").content.startswith(b"\xff\xd8")


def test_one_is_killed_under_load_and_only_its_own_connections_notice(pair: Running) -> None:
    photos = [file_of(photo(seed=seed)) for seed in range(8)]
    stop = threading.Event()
    statuses: Counter[int] = Counter()
    broken: Counter[int] = Counter()

    def send(number: int, client: httpx.Client) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                answer = client.post("/compress", content=photos[turn % len(photos)])
            except httpx.TransportError:
                broken[number] += 1
            else:
                statuses[answer.status_code] += 1

    with connected(pair, 16) as found, client_of_each(pair) as (_, second):
        assert {number for number, _ in found} == {1, 2}
        before = read(second, DONE)
        threads = [threading.Thread(target=send, args=one) for one in found]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: statuses[200] > 32)
            killed = front_end_process(pair, 1)
            killed.kill()
            killed.wait(5)
            # A connection of the other one's is served before the dead one can be back.
            assert second.post("/compress", content=photos[0]).status_code == 200
            wait_for(lambda: len(pair.children("--number 1")) == 1)
            with client_of_each(pair):  # both are there again
                answered = statuses[200]
                wait_for(lambda: statuses[200] > answered + 32)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        assert set(statuses) == {200}
        # Each once: whoever was turned away connected again, and waited where nobody was.
        assert 1 <= broken[1] <= sum(number == 1 for number, _ in found)
        assert broken[2] == 0
        # What the dead one had counted still counts, what it held doesn't. An answer may have
        # been on its way when it died.
        assert 0 <= read(second, DONE) - before - sum(statuses.values()) <= 1 + broken[1]
        wait_for(lambda: read(second, "foveate_pending_uploads") == 0, 10)


def test_ctrl_c_drains_both(tmp_path: Path) -> None:
    photos = [file_of(photo(900, 700, seed=seed)) for seed in range(8)]
    with run_service(tmp_path, "--front-ends", "2") as service:
        with client_of_each(service) as clients, ThreadPoolExecutor(8) as pool:
            children = psutil.Process(service.process.pid).children(recursive=True)
            sent = [
                pool.submit(clients[number % 2].post, "/compress", content=content)
                for number, content in enumerate(photos)
            ]
            wait_for(lambda: any(answer.done() for answer in sent))
            assert not all(answer.done() for answer in sent)
            assert service.stop(signal.SIGINT) == 0
            assert [answer.result().status_code for answer in sent] == [200] * 8
        assert not any(child.is_running() for child in children)
        assert list(tmp_path.iterdir()) == []
