"""Growth of processes and of Redis between two readings."""

from redis import Redis

from bench.robustness.chaos_memory import (
    MIB,
    find_excess,
    find_growth,
    find_redis_growth,
    used_bytes,
)


def test_growth_beyond_the_limit_of_a_role_is_a_fault() -> None:
    first = {"worker": {1: 500 * MIB, 2: 500 * MIB}, "app": {3: 80 * MIB}, "redis": {4: 9 * MIB}}
    last = {"worker": {1: 640 * MIB, 2: 500 * MIB}, "app": {3: 130 * MIB}, "redis": {4: 90 * MIB}}
    assert find_growth(first, last) == []
    # Each process counts, not the largest of its role.
    assert find_growth(first, {**last, "worker": {1: 500 * MIB, 2: 660 * MIB}}) == [
        "the worker's memory grew"
    ]
    assert find_growth(first, {**last, "app": {3: 141 * MIB}}) == ["the app's memory grew"]


def test_memory_above_that_before_the_faults_is_a_fault() -> None:
    before = {"worker": 500 * MIB, "app": 80 * MIB, "redis": 2 * MIB}
    assert find_excess(before, {"worker": 640 * MIB, "app": 60 * MIB, "redis": 3 * MIB}) == []
    assert find_excess(before, {"worker": 660 * MIB, "app": 141 * MIB, "redis": 5 * MIB}) == [
        "the worker's memory is above its start",
        "the app's memory is above its start",
        "the redis's memory is above its start",
    ]


def test_a_process_that_died_is_a_fault() -> None:
    first = {"worker": {1: 500 * MIB}, "app": {3: 80 * MIB}}
    assert find_growth(first, {**first, "worker": {2: 500 * MIB}}) == [
        "the worker died without a kill"
    ]


def test_growth_of_an_emptied_redis_is_a_fault(connection: Redis) -> None:
    before = used_bytes(connection)
    # Made in Redis itself: a large value sent by a client would leave a large buffer for a while.
    connection.setrange("rq:group:kept", 3 * MIB, b"end")
    assert find_redis_growth(before, used_bytes(connection)) == ["Redis' used memory grew"]
    connection.flushall()
    assert find_redis_growth(before, used_bytes(connection)) == []
