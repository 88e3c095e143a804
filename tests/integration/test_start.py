"""A start that fails prints one line; a service without Redis or worker responds with clear errors."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.front_end import run_front_end
from tests.integration.http_requests import get, post
from tests.integration.running import ROOT, Running, metric, run_service, wait_for
from tests.photos import file_of, photo


def failed_start(tmp_path: Path, *arguments: str, **settings: str) -> str:
    """Start the service with what can't work; return the one line that it prints."""
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


def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = failed_start(tmp_path, "--port", str(port))
    assert f"127.0.0.1:{port}" in line
    assert "in use" in line


def test_a_wrong_redis_url_is_reported_in_one_line(tmp_path: Path) -> None:
    line = failed_start(tmp_path, "--port", "0", REDIS_URL="http://user:secret@host/0")
    assert "REDIS_URL is invalid" in line
    assert "secret" not in line


def test_an_invalid_setting_of_the_worker_ends_the_start(tmp_path: Path) -> None:
    service = Running(tmp_path, pass_s=0, MAX_BATCH_SIZE="0")
    assert service.process.wait(60) == 1
    service.stop()
    assert "MAX_BATCH_SIZE must be at least 1" in service.output
    assert "rejects its settings" in service.output
    assert "Traceback" not in service.output


def test_a_proxy_of_the_environment_is_not_used(tmp_path: Path) -> None:
    with run_service(tmp_path, pass_s=0, http_proxy="http://127.0.0.1:9") as service:
        assert service.url


@pytest.mark.usefixtures("connection")  # other tests may have left workers in Redis
def test_without_a_worker_uploads_get_503(redis_url: str) -> None:
    with run_front_end(redis_url, WORKER_GRACE_S="0") as front_end:
        url = front_end.url
        response = post(f"{url}/compress", content=file_of(photo()))
        assert response.status_code == 503
        assert response.json()["type"].endswith("no-worker")
        assert int(response.headers["retry-after"]) > 0
        assert get(f"{url}/readyz").status_code == 503
        assert get(f"{url}/livez").status_code == 200


def test_without_redis_uploads_get_503() -> None:
    with run_front_end("unix:///nonexistent/redis.sock") as front_end:
        url = front_end.url
        response = post(f"{url}/compress", content=file_of(photo()))
        assert response.status_code == 503
        assert response.json()["type"].endswith("queue-unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert get(f"{url}/readyz").status_code == 503
        assert "foveate_queue_length NaN" in get(f"{url}/metrics").text


def test_after_the_deadline_uploads_get_504_and_above_the_limit_429(redis_url: str) -> None:
    with (
        run_front_end(redis_url, REQUEST_TIMEOUT_S="2", MAX_PENDING="1") as front_end,
        ThreadPoolExecutor(1) as pool,
    ):
        url = front_end.url
        sending = pool.submit(post, f"{url}/compress", content=file_of(photo()))
        wait_for(lambda: metric(url, "foveate_pending_uploads") == 1, 2, "for the upload")
        busy = post(f"{url}/compress", content=file_of(photo()))
        assert busy.status_code == 429
        assert busy.json()["type"].endswith("queue-full")
        assert int(busy.headers["retry-after"]) > 0
        late = sending.result()
        assert late.status_code == 504
        assert late.json()["type"].endswith("deadline-passed")
