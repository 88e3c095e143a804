"""Processes die, hang or are told to end: no upload is lost, and nothing is left behind."""

import io
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image
from redis import Redis
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.supervision.machine import choose_workers, share_cores
from contract.keys import MAX_RETRIES
from tests.integration.http_requests import get, post
from tests.integration.running import Running, metric, run_service, wait_for
from tests.photos import file_of, photo

PASS_S = 0.3
UPLOADS = 20
LARGE = (3000, 2000)
EXECUTIONS = "rq:worker:*:executions"

Responses = list[Future[httpx.Response]]


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service whose processes the tests kill one after the other."""
    # The supervisor waits longer before each start of a worker that dies young; no upload may be
    # refused for that.
    with run_service(
        tmp_path_factory.mktemp("service"),
        pass_s=PASS_S,
        WORKER_GRACE_S="120",
        CACHE_MAX_BYTES="0",  # the same photos are sent again and again
    ) as service:
        assert service.url
        yield service


@pytest.fixture
def service(shared_service: Running) -> Running:
    """Return the service, ready."""
    wait_for(lambda: shared_service.workers and shared_service.is_ready(), 60, "for the service")
    return shared_service


@contextmanager
def uploads(url: str, count: int = UPLOADS) -> Iterator[Responses]:
    """Send photos of different sizes at once; at the end check that each came back as its own."""
    files = [file_of(photo(200 + number, 150), "JPEG") for number in range(count)]
    with ThreadPoolExecutor(count) as pool:
        responses = [
            pool.submit(post, f"{url}/compress", content=file, timeout=90) for file in files
        ]
        yield responses
        for number, future in enumerate(responses):
            response = future.result(90)
            assert response.status_code == 200, response.text
            assert Image.open(io.BytesIO(response.content)).size == (200 + number, 150)


def upload(url: str) -> int:
    """Send one photo; return the status."""
    return post(f"{url}/compress", content=file_of(photo()), timeout=60).status_code


def test_a_killed_worker_loses_no_upload(service: Running) -> None:
    (worker,) = service.workers
    printed = len(service.output)
    with uploads(service.url) as responses:
        wait_for(lambda: any(response.done() for response in responses))
        worker.kill()
        # Missing heartbeats alone are noticed after 15 s.
        wait_for(lambda: "jobs back in the queue" in service.output[printed:], 10, "for the jobs")
        assert not all(response.done() for response in responses)
        wait_for(lambda: service.workers and service.is_ready(), 60, "for a new worker")
        ready_s = time.monotonic()
    # RQ alone would notice minutes later.
    assert time.monotonic() - ready_s < 30


def test_a_stopped_worker_is_killed_and_its_jobs_are_done(service: Running) -> None:
    (worker,) = service.workers
    with uploads(service.url, 4), Redis.from_url(service.redis_url) as connection:
        wait_for(lambda: connection.keys(EXECUTIONS), 30, "for the jobs")
        worker.send_signal(signal.SIGSTOP)
        wait_for(lambda: "sends no heartbeats" in service.output, 60, "for the supervisor")
        wait_for(lambda: not worker.is_running(), 10, "for its end")


def test_a_photo_that_kills_its_workers_ends_in_an_error(service: Running) -> None:
    picture = Image.fromarray(photo(600, 400)).resize(LARGE)
    large = file_of(picture, "JPEG", quality=95)
    with ThreadPoolExecutor(1) as pool, Redis.from_url(service.redis_url) as connection:
        response = pool.submit(post, f"{service.url}/compress", content=large, timeout=120)
        for _ in range(MAX_RETRIES + 1):
            wait_for(lambda: connection.keys(EXECUTIONS), 60, "for the job")
            (worker,) = service.workers
            worker.kill()
            worker.wait(10)
            wait_for(lambda: not connection.keys(EXECUTIONS), 30, "for the supervisor")
        failed = response.result(60)
    assert failed.status_code == 500
    assert failed.json()["type"].endswith("internal-error")
    # It harms no other photo.
    assert upload(service.url) == 200


def test_a_killed_front_end_comes_back_on_the_same_port(service: Running) -> None:
    (front_end,) = service.children("-m app serve")
    front_end.kill()
    # The supervisor holds the port: a client waits and is not refused.
    assert upload(service.url) == 200


def test_after_redis_was_killed_uploads_work_again(service: Running) -> None:
    (redis,) = service.children("redis.sock")
    redis.kill()
    wait_for(
        lambda: len(service.children("redis.sock")) == 1 and service.is_ready(), 60, "for Redis"
    )
    assert upload(service.url) == 200


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, int]]:
    """Return a service that has chosen the number of its workers itself, and that number, 2 or more."""
    chosen = choose_workers({**os.environ, "CODEC_THREADS": ""})
    with run_service(
        tmp_path_factory.mktemp("several"),
        workers=None if chosen > 1 else 2,
        pass_s=PASS_S,
        RESULT_TTL_S="60",
        CODEC_THREADS="",
    ) as service:
        wanted = max(chosen, 2)
        wait_for(lambda: count_workers(service.url) == wanted, 60, "for the workers")
        yield service, wanted


def count_workers(url: str) -> int:
    response = get(f"{url}/readyz")
    return int(response.json()["workers"]) if response.status_code == 200 else 0


def test_the_cores_are_divided_among_the_workers(several: tuple[Running, int]) -> None:
    service, wanted = several
    environments = [worker.environ() for worker in service.workers]
    assert len(environments) == wanted
    assert {one["CODEC_THREADS"] for one in environments} == {str(share_cores(wanted))}


def test_while_a_worker_is_dead_the_others_go_on(several: tuple[Running, int]) -> None:
    service, wanted = several
    killed, *others = service.workers
    with (
        uploads(service.url, 12 * wanted) as responses,
        Redis.from_url(service.redis_url) as connection,
    ):

        def have_all_done_some() -> bool:
            everyone = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
            return all(worker.successful_job_count for worker in everyone)

        wait_for(have_all_done_some, 30, "for every worker to have done some")
        killed.kill()
        assert not all(response.done() for response in responses)
    assert all(worker.is_running() for worker in others)
    wait_for(lambda: count_workers(service.url) == wanted, 60, "for the new worker")


# SIGINT, to several front ends: test_front_ends.py.
def test_sigterm_drains_and_leaves_nothing(tmp_path: Path) -> None:
    service = Running(tmp_path, pass_s=PASS_S)
    url = service.url
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert len(children) >= 3
    with uploads(url, 8) as responses:

        def have_all_arrived() -> bool:
            done = sum(response.done() for response in responses)
            return done + metric(url, "foveate_pending_uploads") == len(responses)

        wait_for(have_all_arrived, 10, "for the uploads")
        assert not all(response.done() for response in responses)
        assert service.stop() == 0
        assert all(response.done() for response in responses)
    assert not any(child.is_running() for child in children)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    service = Running(tmp_path, pass_s=PASS_S)
    assert service.url
    children = psutil.Process(service.process.pid).children(recursive=True)
    service.stop(signal.SIGKILL)
    wait_for(lambda: not any(child.is_running() for child in children), 30, "for the children")
