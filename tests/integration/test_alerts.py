"""Every alert comes with its fault, provoked on real processes, and none comes without a fault.

A real Prometheus scrapes the service and evaluates the rules. An alert counts from its first true
evaluation: the waiting time of a rule (``for``) only delays it. `make alerts` runs this file.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml
from redis import Redis

from app.supervision import embedded_redis
from tests.conftest import ROOT, needs
from tests.docker.test_monitoring import read_alerts
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import get, post
from tests.integration.running import metric, run_service, wait_for
from tests.photos import file_of, photo

RULES = ROOT / "docker" / "monitoring" / "alerts.yml"
PHOTO = file_of(photo(64, 48), "JPEG")
# Its pass through the stand-in for the network fails.
FATAL_WIDTH_PX = 77
FATAL_PHOTO = file_of(photo(FATAL_WIDTH_PX, 48), "JPEG")

pytestmark = [
    needs(shutil.which("prometheus"), "prometheus is not installed"),
    pytest.mark.skipif(not os.environ.get("FOVEATE_ALERTS"), reason="`make alerts` runs these"),
    pytest.mark.timeout(240),
]
# Alerts that a test of this file has seen; the last test compares them with the rules.
PROVOKED: set[str] = set()


class Prometheus:
    """A Prometheus that scrapes every second."""

    def __init__(self, folder: Path, targets: Sequence[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {
                    "job_name": "foveate",
                    "static_configs": [
                        {"targets": [one.removeprefix("http://") for one in targets]}
                    ],
                }
            ],
        }
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config), "utf-8")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={path}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )

    def is_ready(self) -> bool:
        """Return whether it has scraped each target once."""
        try:
            return bool(self.query("foveate_workers"))
        except (httpx.TransportError, KeyError, ValueError):
            return False

    def query(self, query: str) -> list[dict[str, object]]:
        """Return the samples of a query now."""
        found: list[dict[str, object]] = get(
            f"{self.url}/api/v1/query", params={"query": query}
        ).json()["data"]["result"]
        return found

    def alerts(self) -> set[str]:
        """Return the names of the alerts whose expression holds."""
        found = get(f"{self.url}/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in found}

    def expect(self, *names: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait for alerts, calling ``meanwhile`` again and again."""
        seen: set[str] = set()

        def have_come() -> bool:
            meanwhile()
            seen.update(self.alerts())
            return set(names) <= seen

        wait_for(have_come, 60, f"for {names}")
        PROVOKED.update(names)


def new_folder(parent: Path) -> Path:
    """Return a folder for the service's temporary files."""
    folder = parent / "service"
    folder.mkdir()
    return folder


@contextmanager
def run_prometheus(folder: Path, *targets: str) -> Iterator[Prometheus]:
    """Run a Prometheus with the project's rules."""
    prometheus = Prometheus(folder, targets)
    try:
        wait_for(prometheus.is_ready, what="for Prometheus")
        yield prometheus
    finally:
        prometheus.process.terminate()
        prometheus.process.wait(20)


def send(url: str, content: bytes = PHOTO, **headers: str) -> int:
    """Upload a photo, past the cache; return the status."""
    headers = {"Cache-Control": "no-cache, no-store", **headers}
    return post(f"{url}/compress", content=content, headers=headers, timeout=60).status_code


def test_a_healthy_service_has_no_alert(tmp_path: Path) -> None:
    with (
        run_service(new_folder(tmp_path), pass_s=0.0) as service,
        run_prometheus(tmp_path, service.url) as prometheus,
    ):
        wait_for(lambda: send(service.url) and len(prometheus.query("foveate_requests_total[1m]")))
        for _ in range(20):
            assert send(service.url) == 200
            time.sleep(0.2)
        assert send(service.url, b"no photo") == 415
        time.sleep(3)
        assert prometheus.query("sum(rate(foveate_requests_total[5m])) > 0")
        assert prometheus.alerts() == set()


def test_workers_that_die(tmp_path: Path) -> None:
    with (
        run_service(new_folder(tmp_path), pass_s=0.0) as service,
        run_prometheus(tmp_path, service.url) as prometheus,
    ):

        def is_dead(deaths: float) -> bool:
            return metric(service.url, "foveate_worker_deaths_total") == deaths

        for deaths in (1.0, 2.0, 3.0):
            wait_for(lambda: metric(service.url, "foveate_workers") == 1, 60)
            (worker,) = service.workers
            worker.send_signal(signal.SIGKILL)
            wait_for(partial(is_dead, deaths))
        prometheus.expect("FoveateWorkersDie")


def test_a_photo_that_workers_fail_at(tmp_path: Path) -> None:
    fatal = {"FAILS_ON_WIDTH_PX": str(FATAL_WIDTH_PX)}
    with (
        run_service(new_folder(tmp_path), pass_s=0.0, **fatal) as service,
        run_prometheus(tmp_path, service.url) as prometheus,
    ):
        assert send(service.url) == 200
        prometheus.expect(
            *("FoveateJobsFail", "FoveateErrors"),
            meanwhile=lambda: send(service.url, FATAL_PHOTO),
        )


def test_more_photos_than_workers_can_take(tmp_path: Path) -> None:
    with (
        run_service(new_folder(tmp_path), pass_s=1.0, REQUEST_TIMEOUT_S="5") as service,
        run_prometheus(tmp_path, service.url) as prometheus,
    ):
        for _ in range(100):
            assert send(service.url, Prefer="respond-async") == 202
        with ThreadPoolExecutor(4) as clients:
            prometheus.expect(
                *("FoveateLongWait", "FoveateRefuses"),
                meanwhile=lambda: list(clients.map(send, [service.url] * 4)),
            )


def test_workers_that_stand_still_for_a_while(tmp_path: Path) -> None:
    with (
        run_service(new_folder(tmp_path), pass_s=0.0) as service,
        run_prometheus(tmp_path, service.url) as prometheus,
    ):
        assert send(service.url) == 200
        wait_for(lambda: prometheus.query("foveate_request_seconds_count"))
        (worker,) = service.workers
        worker.suspend()
        with ThreadPoolExecutor(5) as clients:
            slow = [clients.submit(send, service.url) for _ in range(5)]
            time.sleep(11)
            worker.resume()
            assert [one.result() for one in slow] == [200] * 5
        prometheus.expect("FoveateSlow")


def copy_with_a_defect(folder: Path) -> Path:
    """Copy the front end; in the copy, the task that looks for dead workers fails."""
    for name in ("app", "contract"):
        shutil.copytree(ROOT / name, folder / name)
    path = folder / "app" / "liveness" / "sweeper.py"
    source = path.read_text("utf-8")
    broken = source.replace("count = self._sweep_stuck()", "count = int('a defect')")
    assert broken != source
    path.write_text(broken, "utf-8")
    return folder


def test_a_front_end_that_loses_everything_behind_it_and_then_ends(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server = subprocess.Popen(
        embedded_redis.command(embedded_redis.find_server(), tmp_path), stderr=subprocess.DEVNULL
    )
    try:
        redis_url = embedded_redis.url(tmp_path)
        embedded_redis.wait_until_up(redis_url, give_up=lambda: server.poll() is not None)
        with contextlib.ExitStack() as stack:
            front_end = stack.enter_context(
                run_front_end(redis_url, copy_with_a_defect(tmp_path), WORKER_GRACE_S="0")
            )
            prometheus = stack.enter_context(run_prometheus(tmp_path, front_end.url))
            with Redis.from_url(redis_url) as connection:
                prometheus.expect(
                    *("FoveateNoWorkers", "FoveateUnavailable"),
                    meanwhile=lambda: send(front_end.url),
                )
                prometheus.expect("FoveateTaskDies")
                used_bytes = connection.info("memory")["used_memory"]
                connection.config_set("maxmemory", int(used_bytes / 0.95))
                prometheus.expect("FoveateRedisFull")
            server.terminate()
            server.wait(10)
            prometheus.expect("FoveateRedisDown")
            front_end.process.terminate()
            front_end.process.wait(20)
            prometheus.expect("FoveateDown")
    finally:
        server.kill()
        server.wait(10)


def test_every_alert_has_been_provoked() -> None:
    assert {alert["alert"] for alert in read_alerts()} == PROVOKED
