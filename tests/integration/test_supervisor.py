"""Whatever dies, is stopped or can't be had: no upload is lost, and nothing is left behind."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image
from redis import Redis

from contract.keys import MAX_RETRIES
from tests.integration.running import ROOT, Running, run_service, wait_for
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
        assert not all(future.done() for future in futures)
        wait_for(lambda: len(service.children("-m worker")) == 1 and _ready(url), 60)
        back_s = time.monotonic()
        assert_own_photos(futures)
        assert time.monotonic() - max(back_s, killed_s) < 10
        pool.shutdown()
        assert "jobs back in the queue" in service.output


def test_a_photo_that_kills_its_workers_ends_in_an_error_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    with run_service(tmp_path, MAX_BATCH_SIZE="1") as service:
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


def test_a_full_redis_is_outlived(tmp_path: Path) -> None:
    with run_service(tmp_path, REQUEST_TIMEOUT_S="20") as service:
        url = service.url
        with Redis.from_url(service.redis_url) as connection:
            connection.config_set("maxmemory", "1")
            full = httpx.post(f"{url}/compress", content=file_of(photo()), timeout=30)
            time.sleep(12)
            connection.config_set("maxmemory", "1gb")
        assert full.status_code == 503
        wait_for(lambda: _ready(url), 40, "to be ready again")
        after = httpx.post(f"{url}/compress", content=file_of(photo()), timeout=30)
        assert after.status_code == 200


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


def failed_start(tmp_path: Path, *arguments: str, **settings: str) -> str:
    """Start the service in a way that can't work; return the one line it prints."""
    ended = subprocess.run(
        [sys.executable, "-m", "app", "run", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode not in {0, None}
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
    (line,) = ended.stderr.strip().splitlines()
    return line


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = failed_start(tmp_path, "--port", str(port))
    assert f"127.0.0.1:{port}" in line
    assert "in use" in line


def test_a_redis_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    line = failed_start(tmp_path, "--port", "0", REDIS_URL="redis://127.0.0.1:1/0")
    assert "redis://127.0.0.1:1/0" in line


@pytest.mark.parametrize("url", ["nonsense", "redis://:secret@127.0.0.1:1/0"])
def test_a_wrong_redis_url_is_said_without_its_password(tmp_path: Path, url: str) -> None:
    line = failed_start(tmp_path, "--port", "0", REDIS_URL=url)
    assert "secret" not in line


def test_an_invalid_setting_of_the_worker_ends_the_start(tmp_path: Path) -> None:
    service = Running(tmp_path, MAX_BATCH_SIZE="0")
    assert service.process.wait(60) == 1
    service.stop()
    assert "max_batch_size" in service.output
    assert "refuses its settings" in service.output
    assert "Traceback" not in service.output


def test_a_proxy_of_the_environment_is_not_asked(tmp_path: Path) -> None:
    with run_service(tmp_path, http_proxy="http://127.0.0.1:9") as service:
        assert service.url


def test_without_a_worker_uploads_get_503(redis_url: str) -> None:
    with front_end(redis_url, WORKER_GRACE_S="0") as url:
        response = httpx.post(f"{url}/compress", content=file_of(photo()))
        assert response.status_code == 503
        assert response.json()["type"].endswith("no-worker")
        assert int(response.headers["retry-after"]) > 0
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.get(f"{url}/livez").status_code == 200


def test_without_redis_uploads_get_503() -> None:
    with front_end("unix:///nonexistent/redis.sock") as url:
        response = httpx.post(f"{url}/compress", content=file_of(photo()))
        assert response.status_code == 503
        assert response.json()["type"].endswith("queue-unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert "foveate_queue_length NaN" in httpx.get(f"{url}/metrics").text


def test_after_the_deadline_uploads_get_504_and_above_the_limit_429(redis_url: str) -> None:
    with front_end(redis_url, REQUEST_TIMEOUT_S="1.5", MAX_PENDING="1") as url:
        answers: list[httpx.Response] = []

        def post() -> None:
            answers.append(httpx.post(f"{url}/compress", content=file_of(photo())))

        first = threading.Thread(target=post)
        first.start()
        time.sleep(0.7)
        busy = httpx.post(f"{url}/compress", content=file_of(photo()))
        first.join()
        assert busy.status_code == 429
        assert busy.json()["type"].endswith("queue-full")
        assert int(busy.headers["retry-after"]) > 0
        assert answers[0].status_code == 504
        assert answers[0].json()["type"].endswith("deadline-passed")


class front_end:  # noqa: N801
    """Runs ``python -m app serve`` alone on a free port."""

    def __init__(self, redis_url: str, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": redis_url, **settings},
        )

    def __enter__(self) -> str:
        def alive() -> bool:
            try:
                return httpx.get(f"{self._url}/livez").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(alive)
        return self._url

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
