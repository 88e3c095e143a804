"""What jobs leave behind in Redis: nothing, once all requests have a response."""

import time
from pathlib import Path
from typing import Final

from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS

from bench.load.closed_loop import Connection, HttpError
from bench.load.service_process import Processes
from contract.keys import PROBE_KEY, QUEUE_NAME, TOTALS_KEY

IDLE_TIMEOUT_S: Final = 120.0
# RQ's entries of queues and groups, which never expire.
PERMANENT_KEYS: Final = ("rq:queues", "rq:workers", "rq:group")
# Entries of workers, locks, the write probe and totals: renewed regularly, each with a TTL.
EXPIRING_KEYS: Final = ("rq:worker:", "rq:clean_", PROBE_KEY, TOTALS_KEY)


def wait_until_idle(url: str, processes: Processes) -> list[str]:
    """Wait up to `IDLE_TIMEOUT_S` until there is no fault; return the remaining faults."""
    deadline_s = time.monotonic() + IDLE_TIMEOUT_S
    faults = ["not checked yet"]
    while faults and time.monotonic() < deadline_s:
        time.sleep(0.5)
        faults = [] if is_ready(url) else ["not ready"]
        try:
            with connect_to_redis(processes) as connection:
                faults += find_leftovers(connection)
        except Exception as error:  # noqa: BLE001
            faults.append(f"Redis: {type(error).__name__}")
    return faults


def find_leftovers(connection: Redis) -> list[str]:
    """Return what jobs have left behind in Redis, one line per key, job or worker."""
    faults = []
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    if queue.count or queue.intermediate_queue.get_job_ids():
        faults.append("jobs wait")
    if queue.started_job_registry.get_job_ids(cleanup=False):
        faults.append("a job is in the started registry")
    for raw in connection.scan_iter():
        key, life = raw.decode(), "without" if connection.ttl(raw) == -1 else "with"
        if not key.startswith(PERMANENT_KEYS) and (
            life == "without" or not key.startswith(EXPIRING_KEYS)
        ):
            faults.append(f"a key {life} TTL: {drop_job_id(key)}")
    listed = connection.smembers(REDIS_WORKER_KEYS)
    gone = sum(not connection.exists(worker_key) for worker_key in listed)
    return faults + gone * ["a worker that is gone is on RQ's list"]


def drop_job_id(key: str) -> str:
    """Return a key's first two parts; the others differ between jobs."""
    return ":".join(key.split(":")[:2])


def is_ready(url: str) -> bool:
    """Return whether the service reports that it is ready."""
    connection = Connection(url)
    try:
        return connection.request("GET", "/readyz").status == 200
    except HttpError:
        return False
    finally:
        connection.close()


def connect_to_redis(processes: Processes) -> Redis:
    """Return a client of the Redis that the service has started."""
    return Redis.from_url(f"unix://{find_socket(processes)}?db=0", socket_timeout=5)


def find_socket(processes: Processes) -> Path:
    """Return the socket at which the service connects to the Redis that it has started."""
    (server,) = processes.by_role()["redis"]
    # A running server replaces its command line by a title: "… unixsocket:PATH".
    title = " ".join(server.cmdline())
    return Path(title.partition("unixsocket")[2].lstrip(": ").split()[0])
