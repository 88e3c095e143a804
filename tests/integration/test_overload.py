"""Above its capacity the service does as much as at it: it refuses at once what would be too late."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from redis import Redis

from bench.load.closed_loop import Load
from bench.load.open_loop import Arrival, OpenLoad, poisson_arrivals
from contract.keys import PHOTO_RATE_FIELD, QUEUE_KEY, RATE_FIELD
from contract.work import PHOTO_PX
from tests.idle_worker import register_worker
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import get, new_client
from tests.integration.running import metric, run_service, wait_for
from tests.photos import file_of, photo

# Each photo takes this long in the stand-in for the network, so that the processor hardly matters.
PASS_S = 0.2
DEADLINE_S = 2.0
CLIENTS = 6
WARM_UP_S = 2.0
SECONDS = 6.0
# Less than bench/results/overload.json shows: other processes disturb a test.
KEPT = 0.75
SIZES_PX = ((120, 80), (900, 600))
TARGET = "/compress?quality=50&target=size&progressive=false"


def make_photos() -> list[bytes]:
    return [
        file_of(photo(*size, seed), "JPEG", quality=90) for seed in range(4) for size in SIZES_PX
    ]


def measure_closed_loop(url: str, photos: list[bytes]) -> float:
    """Return the photos per second of clients that each wait for their last response."""
    load = Load(url, TARGET, photos, CLIENTS)
    load.start()
    time.sleep(WARM_UP_S)
    opened_s = time.monotonic()
    time.sleep(SECONDS)
    closed_s = time.monotonic()
    load.stop()
    good = [one for one in load.samples if one.status == 200 and opened_s <= one.ended_s < closed_s]
    return len(good) / SECONDS


def send_open_loop(url: str, photos: list[bytes], per_s: float) -> list[Arrival]:
    """Send photos at a rate, whether or not others are done."""
    load = OpenLoad(url, TARGET, photos)
    start_s = time.monotonic()
    arrivals = poisson_arrivals(per_s, WARM_UP_S + SECONDS, seed=1)
    load.start([start_s + due_s for due_s in arrivals])
    load.join()
    return load.arrivals


@pytest.mark.timeout(240)
def test_at_twice_the_capacity_photos_are_refused_at_once_and_none_is_late(tmp_path: Path) -> None:
    photos = make_photos()
    with run_service(tmp_path, pass_s=PASS_S, REQUEST_TIMEOUT_S=str(DEADLINE_S)) as service:
        closed_per_s = measure_closed_loop(service.url, photos)
        arrivals = send_open_loop(service.url, photos, 2 * closed_per_s)
    statuses = Counter(one.sample.status for one in arrivals)
    since_s = min(one.due_s for one in arrivals) + WARM_UP_S
    within = [one for one in arrivals if since_s <= one.sample.ended_s < since_s + SECONDS]
    goodput_per_s = sum(one.sample.status == 200 for one in within) / SECONDS
    found = (statuses, goodput_per_s, closed_per_s)
    assert set(statuses) <= {200, 429, 504}, found
    assert statuses[504] <= 0.01 * len(arrivals), found
    assert goodput_per_s >= KEPT * closed_per_s, found
    refused = [one.sample.elapsed_ms for one in arrivals if one.sample.status == 429]
    assert sorted(refused)[len(refused) // 2] < 1e3 * DEADLINE_S / 4, found


def test_uploads_that_wait_when_the_last_worker_goes_get_503_after_the_grace_period(
    redis_url: str, connection: Redis
) -> None:
    worker = register_worker(connection)
    settings = {"WORKER_GRACE_S": "0.5", "REQUEST_TIMEOUT_S": "300"}
    with (
        run_front_end(redis_url, **settings) as front_end,
        new_client(timeout=120) as client,
        ThreadPoolExecutor(3) as pool,
    ):
        url = f"{front_end.url}/compress"
        uploads = [file_of(photo(seed=seed)) for seed in range(2)]
        waiting = [pool.submit(client.post, url, content=upload) for upload in uploads]
        headers = {"Prefer": "respond-async"}
        accepted = client.post(url, content=file_of(photo(seed=9)), headers=headers)
        wait_for(lambda: connection.llen(QUEUE_KEY) == 3, what="for the jobs")
        worker.register_death()
        for response in (one.result(60) for one in waiting):
            assert response.status_code == 503
            assert response.json()["type"] == "urn:foveate:problem:no-worker"
            assert int(response.headers["Retry-After"]) >= 1
        # Nobody waits for this one, so it may still find a worker before its deadline.
        job = client.get(f"{front_end.url}{accepted.headers['Location']}").json()
        assert job["state"] == "queued"
        assert connection.llen(QUEUE_KEY) == 1


def test_a_job_has_the_time_of_jobs_and_is_work_ahead_of_others(
    redis_url: str, connection: Redis
) -> None:
    # A photo takes 12 s.
    register_worker(connection, **{RATE_FIELD: PHOTO_PX / 12, PHOTO_RATE_FIELD: PHOTO_PX / 12})
    settings = {"REQUEST_TIMEOUT_S": "20", "JOB_DEADLINE_S": "100"}
    with run_front_end(redis_url, **settings) as front_end, new_client(timeout=30) as client:
        url = f"{front_end.url}/compress"
        upload, headers = file_of(photo()), {"Prefer": "respond-async"}
        wait_for(lambda: get(f"{front_end.url}/readyz").status_code == 200)

        def post(**options: dict[str, str]) -> httpx.Response:
            return client.post(url, content=upload, **options)

        accepted = [post(headers=headers).status_code for _ in range(7)]
        assert (
            accepted == [202] * 4 + [429] * 3
        )  # before the fourth 36 s of work waited, before the next 48 s of 100 s
        refused = post()
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "49")
        assert metric(front_end.url, "foveate_wait_seconds") == pytest.approx(48, rel=0.1)
        # What others have in the queue counts, and so does what has left it.
        connection.delete(*connection.keys("foveate:in:*"))
        for job_id in connection.lrange(QUEUE_KEY, 0, -1):
            client.delete(f"{front_end.url}/jobs/{job_id.decode()}")
        wait_for(lambda: metric(front_end.url, "foveate_wait_seconds") == 0)
        assert post(headers=headers).status_code == 202
