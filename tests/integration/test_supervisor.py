"""Whatever dies, is stopped or can't be had: no upload is lost, and nothing is left behind."""

import io
import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image
from redis import Redis
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.supervision.machine import choose_workers, count_cores, share_cores
from bench.robustness.chaos_leftovers import find_leftovers
from contract.keys import MAX_RETRIES
from tests.integration.in_flight import in_flight
from tests.integration.running import Running, run_service, wait_for
from tests.photos import file_of, photo


def upload_all(url: str, count: int) -> tuple[ThreadPoolExecutor, "list[Future[httpx.Response]]"]:
    """Send photos of different sizes at once."""
    pool = ThreadPoolExecutor(count)
    futures = [
        pool.submit(httpx.post, f"{url}/compress", content=file_of(photo(400 + n, 300)), timeout=90)
        for n in range(count)
    ]
    return pool, futures


def assert_own_photos(futures: "list[Future[httpx.Response]]") -> None:
    """Every client has got its own photo."""
    for number, future in enumerate(futures):
        response = future.result(90)
        assert response.status_code == 200, response.text
        assert Image.open(io.BytesIO(response.content)).size == (400 + number, 300)


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    with run_service(tmp_path, MAX_BATCH_SIZE="8") as service:
        url = service.url
        (worker,) = service.children("-m worker")
        pool, futures = upload_all(url, 32)
        # In the middle of a batch: some are answered, and jobs are running.
        wait_for(lambda: any(future.done() for future in futures))
        worker.kill()
        killed_s = time.monotonic()
        # At once: who only listens for heartbeats waits for 15 s.
        wait_for(lambda: "jobs back in the queue" in service.output, 10, "for the jobs")
        assert not all(future.done() for future in futures)
        wait_for(lambda: len(service.children("-m worker")) == 1 and _ready(url), 60)
        back_s = time.monotonic()
        assert_own_photos(futures)
        # RQ alone would notice minutes later; a busy machine takes some seconds.
        assert time.monotonic() - max(back_s, killed_s) < 30
        pool.shutdown()


def test_the_cores_are_shared_out_to_as_many_workers_as_the_machine_is_for(tmp_path: Path) -> None:
    with run_service(tmp_path, workers=None, CODEC_THREADS="", PASS_THREADS="") as service:
        wanted = choose_workers({**os.environ, "CODEC_THREADS": ""})
        wait_for(lambda: _workers(service.url) == wanted, 60, "for the workers")
        workers = service.children("-m worker")
        assert len(workers) == wanted
        threads = {
            (worker.environ()["CODEC_THREADS"], worker.environ()["PASS_THREADS"])
            for worker in workers
        }
        assert threads == {(str(share_cores(wanted)), str(count_cores()))}


def test_while_one_of_two_workers_is_dead_the_other_goes_on(tmp_path: Path) -> None:
    with run_service(tmp_path, workers=2, RESULT_TTL_S="60") as service:
        url = service.url
        wait_for(lambda: _workers(url) == 2, 60, "for the workers")
        killed, lives = service.children("-m worker")
        pool, futures = upload_all(url, 32)
        with Redis.from_url(service.redis_url) as connection:

            def have_all_done_some() -> bool:
                everyone = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
                return all(worker.successful_job_count for worker in everyone)

            wait_for(have_all_done_some, 30, "for both to have done some")
        killed.kill()
        assert not all(future.done() for future in futures)
        assert_own_photos(futures)
        pool.shutdown()
        assert lives.is_running()
        wait_for(lambda: _workers(url) == 2, 60, "for the new worker")


def test_a_photo_that_kills_its_workers_ends_in_an_error_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    # Three starts in a row may take long on a busy machine; nobody is to be refused for that.
    with run_service(tmp_path, MAX_BATCH_SIZE="1", WORKER_GRACE_S="120") as service:
        url = service.url
        large = file_of(photo(3000, 2000), "JPEG", quality=95)
        with ThreadPoolExecutor(1) as pool, Redis.from_url(service.redis_url) as connection:
            killing = pool.submit(httpx.post, f"{url}/compress", content=large, timeout=120)
            for _ in range(MAX_RETRIES + 1):
                wait_for(lambda: connection.keys("rq:worker:*:executions"), 60, "for the job")
                (worker,) = service.children("-m worker")
                worker.kill()
                worker.wait(10)
                wait_for(lambda: not connection.keys("rq:worker:*:executions"), 30)
            response = killing.result(60)
        assert response.status_code == 500
        assert response.json()["type"].endswith("internal-error")
        after = httpx.post(f"{url}/compress", content=file_of(photo()), timeout=60)
        assert after.status_code == 200


def test_a_full_redis_is_outlived_by_uploads_in_flight_and_by_the_worker(tmp_path: Path) -> None:
    settings = {"REQUEST_TIMEOUT_S": "20", "RESULT_TTL_S": "2", "MAINTENANCE_INTERVAL_S": "1"}
    small = file_of(photo())
    with run_service(tmp_path, MAX_BATCH_SIZE="2", **settings) as service:
        url = service.url
        before = [process.pid for process in service.children("-m ")]
        with Redis.from_url(service.redis_url) as connection, in_flight(url, 30) as photos:
            connection.config_set("maxmemory", "1")
            waiting = photos.waiting
            new = httpx.post(f"{url}/compress", content=small, timeout=30)
            time.sleep(12)
            connection.config_set("maxmemory", "1gb")
            assert new.status_code == 503
            assert new.json()["type"].endswith("queue-unavailable")
            assert waiting > 15
            ends = photos.ends()
            assert ends[200] > 30 - waiting, ends
            wait_for(lambda: _ready(url), 40, "to be ready again")
            after = httpx.post(f"{url}/compress", content=small, timeout=30)
            assert after.status_code == 200
            assert [process.pid for process in service.children("-m ")] == before
            wait_for(lambda: not find_leftovers(connection), 20, "for an empty Redis")


def _workers(url: str) -> int:
    answer = httpx.get(f"{url}/readyz")
    return int(answer.json()["workers"]) if answer.status_code == 200 else 0


def _ready(url: str) -> bool:
    return httpx.get(f"{url}/readyz").status_code == 200


def test_a_killed_front_end_comes_back_on_the_same_port(tmp_path: Path) -> None:
    with run_service(tmp_path) as service:
        url = service.url
        (front_end,) = service.children("-m app serve")
        front_end.kill()
        # The supervisor holds the port: a client waits, it isn't turned away.
        assert (
            httpx.post(f"{url}/compress", content=file_of(photo()), timeout=30).status_code == 200
        )


def test_after_redis_was_killed_uploads_work_again(tmp_path: Path) -> None:
    with run_service(tmp_path) as service:
        url = service.url
        (redis,) = service.children("redis.sock")
        redis.kill()
        wait_for(lambda: len(service.children("redis.sock")) == 1 and _ready(url), 60)
        assert (
            httpx.post(f"{url}/compress", content=file_of(photo()), timeout=30).status_code == 200
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    service = Running(tmp_path)
    url = service.url
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert len(children) >= 3
    pool, futures = upload_all(url, 6)
    time.sleep(0.3)
    assert service.stop(number) == 0
    assert_own_photos(futures)
    pool.shutdown()
    assert not any(child.is_running() for child in children)
    assert list(tmp_path.iterdir()) == []


def test_killing_the_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    service = Running(tmp_path)
    assert service.url
    children = psutil.Process(service.process.pid).children(recursive=True)
    service.stop(signal.SIGKILL)
    wait_for(lambda: not any(child.is_running() for child in children), 30, "for the children")
