"""A worker whose heartbeat stays the same is silent."""

from redis import Redis
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from app.liveness.heartbeats import SILENT_AFTER_S, Heartbeats
from contract.keys import WORKERS_KEY, worker_key
from tests.app.liveness.conftest import Clock
from tests.app.liveness.dead_worker import die_with, enqueue


def test_a_worker_is_silent_until_its_next_heartbeat(connection: Redis, clock: Clock) -> None:
    heartbeats = Heartbeats()
    name = die_with(enqueue(connection, 1, retries=2), 1)
    assert heartbeats.find_silent(connection) == set()
    clock.sleep(SILENT_AFTER_S - 0.1)
    assert heartbeats.find_silent(connection) == set()
    clock.sleep(0.1)
    assert heartbeats.find_silent(connection) == {name}
    (worker,) = SimpleWorker.all(connection=connection, serializer=JSONSerializer)
    worker.heartbeat()
    assert heartbeats.find_silent(connection) == set()


def test_a_named_worker_is_watched_off_the_list_and_from_its_first_heartbeat_on(
    connection: Redis, clock: Clock
) -> None:
    heartbeats = Heartbeats()
    name = die_with(enqueue(connection, 1, retries=2), 1)
    names = [name, "starting"]
    assert heartbeats.find_silent(connection, names) == set()
    connection.delete(WORKERS_KEY, worker_key(name))
    assert heartbeats.find_silent(connection, names) == set()
    clock.sleep(SILENT_AFTER_S)
    assert heartbeats.find_silent(connection, names) == {name}


def test_no_worker_is_silent_while_redis_is_full(connection: Redis, clock: Clock) -> None:
    heartbeats = Heartbeats()
    name = die_with(enqueue(connection, 1, retries=2), 1)
    assert heartbeats.find_silent(connection) == set()
    clock.sleep(SILENT_AFTER_S)
    connection.config_set("maxmemory", "1")
    try:
        assert heartbeats.find_silent(connection) == set()
    finally:
        connection.config_set("maxmemory", "1gb")
    # Heartbeats from before don't count, because no worker could send one since.
    assert heartbeats.find_silent(connection) == set()
    clock.sleep(SILENT_AFTER_S)
    assert heartbeats.find_silent(connection) == {name}
