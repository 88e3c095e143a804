"""Two versions at once: no photo is lost while workers and front ends are replaced one by one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis

from contract.keys import QUEUE_KEY, worker_key
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.in_flight import Load
from tests.integration.running import FEW_PHOTOS, ROOT, START_TIMEOUT_S, wait_for

# The next release knows an option and a field of replies that this one does not.
CHANGES = {
    '    heatmap: Heatmap = "none"\n': '    heatmap: Heatmap = "none"\n    sharpen: int = 0\n',
    '    format: Format = "jpeg"\n\n\n@dataclass(frozen=True, slots=True)\nclass Failure': (
        '    format: Format = "jpeg"\n    note: str = "next"\n\n\n'
        "@dataclass(frozen=True, slots=True)\nclass Failure"
    ),
    "!= field.default\n": '!= field.default or field.name == "note"\n',
}
PASS_S = 0.05
CLIENTS = 2  # of each front end
# So many photos of each pair of front end and worker at least.
PHOTOS = 5
ADDRESS = "127.0.0.1"


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """Return a folder with the contract of the next release; all else is found in `ROOT`."""
    shutil.copytree(ROOT / "contract", tmp_path / "contract")
    path = tmp_path / "contract" / "messages.py"
    text = path.read_text("utf-8")
    for old, new in CHANGES.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return tmp_path


class Worker:
    """A worker of a release, with a stand-in for the network."""

    def __init__(self, connection: Redis, redis_url: str, root: Path, name: str) -> None:
        self._connection = connection
        self._name = name
        settings = {"REDIS_URL": redis_url, "PASS_S": str(PASS_S), **FEW_PHOTOS}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.worker_without_network", "--name", name],
            cwd=root,
            env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        )

    def wait_until_ready(self) -> None:
        """Return when it takes jobs."""
        key = worker_key(self._name)
        wait_for(lambda: self._connection.exists(key), START_TIMEOUT_S, "for a worker")

    def count_photos(self) -> int:
        """Return how many photos it has finished."""
        return int(self._connection.hget(worker_key(self._name), "successful_job_count") or 0)

    def drain(self) -> None:
        """Tell it to end after its photos."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0

    def kill(self) -> None:
        """End it if it still runs."""
        self._process.kill()
        self._process.wait()


@contextmanager
def load_on(front_end: FrontEnd) -> Iterator[Load]:
    """Upload to a front end until the end; each response must be the photo's."""
    load = Load(urlsplit(front_end.url).port or 0)
    with ThreadPoolExecutor(CLIENTS) as pool:
        futures = [pool.submit(load.run, ADDRESS) for _ in range(CLIENTS)]
        try:
            yield load
        finally:
            load.stop()
            for future in futures:
                future.result()
    assert load.faults == []
    assert load.ends_of(ADDRESS) == {"200"}


def test_workers_and_front_ends_of_two_releases_lose_nothing(
    connection: Redis, redis_url: str, next_release: Path
) -> None:
    workers: list[Worker] = []

    def start(root: Path, name: str) -> Worker:
        workers.append(Worker(connection, redis_url, root, name))
        workers[-1].wait_until_ready()
        return workers[-1]

    def wait_for_photos(*both: Worker) -> None:
        before = [worker.count_photos() for worker in both]
        wait_for(
            lambda: all(
                worker.count_photos() >= count + PHOTOS
                for worker, count in zip(both, before, strict=True)
            ),
            60,
            "for photos of each worker",
        )

    try:
        old = start(ROOT, "old")
        with run_front_end(redis_url, CACHE_MAX_BYTES="0") as present, load_on(present):
            wait_for_photos(old)
            new = start(next_release, "new")
            wait_for_photos(old, new)
            # The next release's front end comes while workers of both versions run.
            with (
                run_front_end(
                    redis_url, next_release, PYTHONPATH=str(ROOT), CACHE_MAX_BYTES="0"
                ) as later,
                load_on(later) as load,
            ):
                wait_for_photos(old, new)
                old.drain()
                wait_for_photos(new)
                assert load.count_photos(ADDRESS) >= PHOTOS
    finally:
        for worker in workers:
            worker.kill()


def test_the_first_upload_starts_the_first_worker(connection: Redis, redis_url: str) -> None:
    """KEDA reads the length of the queue's list and starts a worker; later it ends the last one."""
    with run_front_end(redis_url, WORKER_GRACE_S="3600", CACHE_MAX_BYTES="0") as front_end:
        for name in ("first", "second"):
            with load_on(front_end) as load:
                wait_for(lambda: connection.llen(QUEUE_KEY), 30, "for a job")
                worker = Worker(connection, redis_url, ROOT, name)
                try:
                    wait_for(
                        lambda load=load: load.count_photos(ADDRESS) >= PHOTOS, START_TIMEOUT_S
                    )
                except BaseException:
                    worker.kill()
                    raise
            worker.drain()
