"""Retry-After of a refused upload: the time that the waiting ones take at the present rate."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from app.service.admission import WINDOW_S
from contract.keys import QUEUE_NAME, input_key
from contract.messages import Failure, Request
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import new_client
from tests.photos import file_of, photo
from worker.replies import Replies

# Expected are 4 s: not the least value (1), the largest (60), or that of an unknown rate (10).
PENDING = 40
JOBS_PER_S = 10.0
FACTOR = 2.0
SETTINGS = {"MAX_PENDING": str(PENDING), "WORKER_GRACE_S": "300", "CACHE_MAX_BYTES": "0"}


class SteadyWorker:
    """Stands in for a worker of a known rate: replies that each photo is damaged."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self.replied_s: list[float] = []

    def run(self, over: threading.Event) -> None:
        """Reply at that rate until it is over, then at once until the queue is empty."""
        next_s = time.monotonic()
        with Redis.from_url(self._redis_url) as connection:
            while True:
                taken = connection.lpop(f"rq:queue:{QUEUE_NAME}")
                if taken is None and over.is_set():
                    return
                if taken is not None:
                    self._reply_to(connection, taken.decode())
                next_s = max(next_s + 1 / JOBS_PER_S, time.monotonic() - 1)
                over.wait(max(0.0, next_s - time.monotonic()))

    def _reply_to(self, connection: Redis, job_id: str) -> None:
        job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
        to = Request.from_json(job.kwargs["request"]).reply_to
        connection.delete(job.key, input_key(job_id))
        Replies(connection, ttl_s=5).send_failures(
            [(to, Failure(job_id, "corrupt-image", "It is damaged."))]
        )
        self.replied_s.append(time.monotonic())


@pytest.mark.usefixtures("connection")
def test_retry_after_is_the_time_that_the_waiting_uploads_take(redis_url: str) -> None:
    upload = file_of(photo())
    over = threading.Event()
    worker = SteadyWorker(redis_url)
    with (
        run_front_end(redis_url, **SETTINGS) as front_end,
        new_client(timeout=60, limits=httpx.Limits(max_connections=PENDING + 2)) as client,
        ThreadPoolExecutor(PENDING + 1) as pool,
    ):
        url = f"{front_end.url}/compress"

        def keep_one_waiting(_: int) -> None:
            while not over.is_set():
                if client.post(url, content=upload).status_code == httpx.codes.TOO_MANY_REQUESTS:
                    time.sleep(0.1)

        try:
            ends = [pool.submit(keep_one_waiting, number) for number in range(PENDING)]
            ends.append(pool.submit(worker.run, over))
            # The rate is measured over this time.
            time.sleep(WINDOW_S + 1)
            seconds_told = []
            while len(seconds_told) < 3:
                refused = client.post(url, content=upload)
                if refused.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    seconds_told.append(int(refused.headers["Retry-After"]))
            since_s = time.monotonic() - WINDOW_S
        finally:
            over.set()
        for end in ends:
            end.result(60)
    rate = sum(replied_s > since_s for replied_s in worker.replied_s) / WINDOW_S
    expected_s = PENDING / rate
    for seconds in seconds_told:
        assert expected_s / FACTOR <= seconds <= expected_s * FACTOR, (seconds_told, expected_s)
