"""What can't be had is said in one line; what is missing later is a clear answer."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.integration.running import ROOT, Running, run_service, wait_for
from tests.photos import file_of, photo


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
    assert "MAX_BATCH_SIZE is '0'; allowed: at least 1" in service.output
    assert "rejects its settings" in service.output
    assert "Traceback" not in service.output


def test_a_proxy_of_the_environment_is_not_asked(tmp_path: Path) -> None:
    with run_service(tmp_path, http_proxy="http://127.0.0.1:9") as service:
        assert service.url


@pytest.mark.usefixtures("connection")  # an empty Redis: other tests may have left workers
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
