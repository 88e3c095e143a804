"""Redis goes away and comes back, a worker stops: nobody has to restart anything."""

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from redis import Redis

from app.supervision import embedded_redis as embedded
from tests.integration.running import keys_of_jobs, run_service, wait_for
from tests.photos import file_of, photo

OUTAGE_S = 30.0


def start_redis(folder: Path) -> "subprocess.Popen[bytes]":
    server = subprocess.Popen(embedded.command(embedded.find_server(), folder))
    embedded.wait_until_up(embedded.url(folder), give_up=lambda: server.poll() is not None)
    return server


def upload(url: str) -> httpx.Response:
    return httpx.post(f"{url}/compress", content=file_of(photo()), timeout=60)


def test_an_emptied_redis_that_was_gone_needs_no_restart(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir(mode=0o700)
    server = start_redis(folder)
    try:
        with run_service(
            tmp_path,
            REDIS_URL=embedded.url(folder),
            RESULT_TTL_S="2",
            MAINTENANCE_INTERVAL_S="1",
        ) as service:
            url = service.url
            before = [p.pid for p in service.children("-m ")]
            server.kill()
            server.wait()
            started_s = time.monotonic()
            while time.monotonic() - started_s < OUTAGE_S:
                answer = upload(url)
                assert answer.status_code == 503
                assert answer.json()["type"].endswith(("queue-unavailable", "no-worker"))
                assert int(answer.headers["Retry-After"]) > 0
                time.sleep(1)
            server = start_redis(folder)
            wait_for(lambda: httpx.get(f"{url}/readyz").status_code == 200, 20, "to be ready")
            assert upload(url).status_code == 200
            assert [p.pid for p in service.children("-m ")] == before
            with Redis.from_url(embedded.url(folder)) as connection:
                wait_for(lambda: not keys_of_jobs(connection), 20, "for an empty Redis")
    finally:
        server.terminate()
        server.wait()


@pytest.mark.timeout(240)
def test_a_stopped_worker_is_killed_and_its_jobs_are_done(tmp_path: Path) -> None:
    with run_service(tmp_path) as service, ThreadPoolExecutor(4) as pool:
        url = service.url
        (worker,) = service.children("-m worker")
        large = file_of(photo(1500, 1000), "JPEG", quality=95)
        futures = [
            pool.submit(httpx.post, f"{url}/compress", content=large, timeout=120) for _ in range(4)
        ]
        with Redis.from_url(service.redis_url) as connection:
            wait_for(lambda: connection.keys("rq:worker:*:executions"), 30, "for the jobs")
        worker.send_signal(signal.SIGSTOP)
        assert [future.result(120).status_code for future in futures] == [200] * 4
        assert "sends no heartbeats" in service.output
