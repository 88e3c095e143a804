"""Hundreds of clients that poll or watch a job stop neither each other nor uploads nor health checks."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Self

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from app.http.jobs import MAX_EVENT_STREAMS
from contract.keys import QUEUE_KEY
from tests.app.queue.simulated_worker import finish
from tests.idle_worker import register_worker
from tests.integration.front_end import FrontEnd, run_front_end
from tests.photos import file_of, photo

POLLERS = 300
POLLS = 2
UPLOADS = 8
# Uploads with this quality stay in the queue until their test ends them.
WATCHED = 33
# A commonplace limit of proxies and probes; on a quiet machine it takes a second.
PATIENCE_S = 20.0


class Worker(threading.Thread):
    """Ends each job at once, except those that are watched."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(daemon=True)
        self.watched: list[Job] = []
        self.stopping = threading.Event()
        self._connection = Redis.from_url(redis_url)
        self._worker = register_worker(self._connection)

    def run(self) -> None:
        with self._connection:
            while not self.stopping.is_set():
                self._worker.heartbeat()
                if popped := self._connection.blpop([QUEUE_KEY], 1):
                    job = Job.fetch(popped[1].decode(), self._connection, JSONSerializer)
                    if job.kwargs["request"].get("options", {}).get("quality") == WATCHED:
                        self.watched.append(job)
                    else:
                        finish(self._connection, job)


@pytest.fixture(scope="module")
def worker(redis_url: str) -> Iterator[Worker]:
    with Redis.from_url(redis_url) as connection:
        connection.flushall()
    worker = Worker(redis_url)
    worker.start()
    yield worker
    worker.stopping.set()
    worker.join(10)


@pytest.fixture(scope="module")
def front_end(redis_url: str, worker: Worker) -> Iterator[FrontEnd]:
    assert worker.is_alive()
    with run_front_end(redis_url, CACHE_MAX_BYTES="0", RESULT_TTL_S="60") as running:
        yield running


class Connection:
    """One keep-alive connection; httpx would take more CPU time than the service."""

    def __init__(self, url: str) -> None:
        self._host, _, self._port = url.removeprefix("http://").partition(":")

    async def __aenter__(self) -> Self:
        self.reader, self._writer = await asyncio.open_connection(self._host, int(self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(
        self, start: str, body: bytes = b"", header: str = "Host: test"
    ) -> tuple[int, dict[str, str]]:
        """Send a request; return status and headers of the response."""
        head = f"{start} HTTP/1.1\r\n{header}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        pairs = (line.partition(": ") for line in lines)
        return int(status.split()[1]), {name.lower(): value for name, _, value in pairs}

    async def ask(self, start: str, body: bytes = b"") -> tuple[int, float]:
        """Send a request and read the whole response; return its status and the seconds it took."""
        started_s = time.monotonic()
        status, headers = await self.send(start, body)
        await self.reader.readexactly(int(headers["content-length"]))
        return status, time.monotonic() - started_s


async def queue_watched_job(url: str) -> str:
    """Queue a job that does not end; return its path."""
    async with Connection(url) as connection:
        status, headers = await connection.send(
            f"POST /compress?quality={WATCHED}",
            file_of(photo(32, 24), "JPEG"),
            "Host: test\r\nPrefer: respond-async",
        )
        assert status == 202
        return headers["location"]


def test_hundreds_of_pollers_uploads_and_health_are_all_served(front_end: FrontEnd) -> None:
    url = front_end.url
    statuses: dict[str, Counter[int]] = {"poll": Counter(), "upload": Counter(), "ready": Counter()}
    longest_s = dict.fromkeys(statuses, 0.0)

    async def repeat(kind: str, count: int, start: str, pause_s: float = 0.0) -> None:
        async with Connection(url) as connection:
            for number in range(count):
                body = b""
                if kind == "upload":
                    body = file_of(photo(32, 24, seed=1 + number), "JPEG")
                status, elapsed_s = await connection.ask(start, body)
                statuses[kind][status] += 1
                longest_s[kind] = max(longest_s[kind], elapsed_s)
                await asyncio.sleep(pause_s)

    async def run() -> None:
        path = await queue_watched_job(url)
        pollers = [repeat("poll", POLLS, f"GET {path}") for _ in range(POLLERS)]
        await asyncio.gather(
            *pollers, repeat("upload", UPLOADS, "POST /compress"), repeat("ready", 8, "GET /readyz")
        )

    asyncio.run(run())
    assert statuses == {
        "poll": {200: POLLERS * POLLS},
        "upload": {200: UPLOADS},
        "ready": {200: 8},
    }
    assert max(longest_s.values()) < PATIENCE_S, longest_s


def test_as_many_event_streams_work_at_once_as_are_promised(
    front_end: FrontEnd, worker: Worker, redis_url: str
) -> None:
    url = front_end.url
    started = [0]

    async def watch(path: str) -> str:
        """Return all events of a job; count the streams that have begun."""
        async with Connection(url) as connection:
            status, _ = await connection.send(f"GET {path}/events")
            assert status == 200
            received = await connection.reader.readuntil(b"event: queued")
            started[0] += 1
            while b"event: finished" not in received:
                more = await connection.reader.read(4096)
                assert more, received
                received += more
            return received.decode()

    async def run() -> list[str]:
        path = await queue_watched_job(url)
        streams = [asyncio.ensure_future(watch(path)) for _ in range(MAX_EVENT_STREAMS)]
        async with asyncio.timeout(PATIENCE_S):
            while started[0] < MAX_EVENT_STREAMS:
                await asyncio.sleep(0.05)
            async with Connection(url) as connection:
                assert (await connection.ask("GET /readyz"))[0] == 200
            with Redis.from_url(redis_url) as redis:
                finish(redis, worker.watched[-1])
            return await asyncio.gather(*streams)

    events = asyncio.run(run())
    assert len(events) == MAX_EVENT_STREAMS
