"""Clients that send or read nothing take bounded memory, and nothing from other clients."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest
from redis import Redis

from bench.load.service_process import peak_rss_bytes
from bench.robustness.silent_clients import SilentClients, list_states
from contract.keys import VERSION_FIELD
from contract.messages import Options
from tests.idle_worker import register_worker
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import new_client
from tests.integration.running import metric, wait_for
from tests.integration.stored_results import VERSION, store_cached, store_job
from tests.photos import file_of, photo

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux reports the peak of a process"
)

SILENT = 60
NORMAL = 16
HELD_BYTES = 40_000_000
# docs/operations.md: what a front end takes at most.
BASE_BYTES = 100_000_000
BYTES_PER_CONNECTION = 500_000
PHOTO = file_of(photo(300, 200), "JPEG", quality=95)
SMALL, LARGE = file_of(photo(32, 24)), bytes(4_700_000)
LARGE_OPTIONS = Options(quality=95, subsampling="444")  # those of the clients that read nothing
RESULT = b"a small picture"


@pytest.fixture
def front_end(connection: Redis, redis_url: str) -> Iterator[FrontEnd]:
    """Return a front end whose results are all cached."""
    register_worker(connection, **{VERSION_FIELD: VERSION})
    settings = {
        "MAX_PENDING_BYTES": str(HELD_BYTES),
        "REQUEST_TIMEOUT_S": "30",
        "SEND_TIMEOUT_S": "4",
        "RESULT_TTL_S": "300",
        "WORKER_GRACE_S": "300",
    }
    with run_front_end(redis_url, **settings) as running:
        wait_for(lambda: metric(running.url, "foveate_workers") == 1)
        time.sleep(1.1)  # until the front end knows the worker's version
        yield running


def measure_peak(front_end: FrontEnd) -> int:
    return peak_rss_bytes(psutil.Process(front_end.process.pid))


def send_photos(url: str, uploads: list[bytes]) -> Counter[int]:
    """Send photos as a normal client; return how often each status came."""
    statuses: Counter[int] = Counter()
    with new_client(base_url=url, timeout=30) as client:
        for upload in uploads:
            response = client.post("/compress", content=upload)
            assert response.status_code != 200 or response.content == RESULT
            statuses[response.status_code] += 1
    return statuses


def test_clients_that_send_or_read_nothing_harm_no_one(
    front_end: FrontEnd, connection: Redis
) -> None:
    picture_path = store_job(connection, LARGE)
    store_cached(connection, SMALL, LARGE, LARGE_OPTIONS)
    uploads = [file_of(photo(40 + number, 30)) for number in range(20)]
    for upload in uploads:
        store_cached(connection, upload, RESULT)
    states = list_states(PHOTO, SMALL, picture_path)
    with ThreadPoolExecutor(NORMAL) as pool, ExitStack() as stack:
        for start in states.values():
            silent = SilentClients(front_end.url, start, SILENT)
            silent.start()
            stack.callback(silent.stop)
            assert silent.connected.wait(60)
        counts = list(pool.map(lambda _: send_photos(front_end.url, uploads), range(NORMAL)))
        pending = metric(front_end.url, "foveate_pending_uploads")
    assert sum(counts, Counter()) == {200: NORMAL * len(uploads)}
    assert pending > SILENT
    wait_for(lambda: metric(front_end.url, "foveate_pending_uploads") == 0)
    connections = SILENT * len(states) + NORMAL
    assert measure_peak(front_end) < (
        BASE_BYTES + 2 * HELD_BYTES + connections * BYTES_PER_CONNECTION
    )


@pytest.mark.parametrize("kind", ["compress", "job"])
def test_responses_that_are_not_read_hold_their_place_and_bytes(
    front_end: FrontEnd, connection: Redis, kind: str
) -> None:
    store_cached(connection, SMALL, LARGE, LARGE_OPTIONS)
    states = list_states(PHOTO, SMALL, store_job(connection, LARGE))
    start = states["reading" if kind == "compress" else "reading a job's picture"]
    silent = SilentClients(front_end.url, start, 60)
    silent.start()
    silent.connected.wait(30)
    held = HELD_BYTES // len(LARGE) if kind == "compress" else 0
    wait_for(lambda: metric(front_end.url, "foveate_pending_uploads") == held)
    time.sleep(0.5)
    assert measure_peak(front_end) < BASE_BYTES + 2 * HELD_BYTES
    front_end.process.terminate()
    front_end.process.wait(15)  # less than the time that it has for its open requests
    silent.stop()
