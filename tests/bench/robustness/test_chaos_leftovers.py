"""Keys and jobs that are left in Redis, and those that belong there."""

import pytest
from redis import Redis

from bench.robustness.chaos_leftovers import find_leftovers


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("rq:job:some", "a key without TTL: rq:job"),
        ("rq:worker:dead:executions", "a key without TTL: rq:worker"),
        ("foveate:image:some", "a key without TTL: foveate:image"),
        ("foveate:writable", "a key without TTL: foveate:writable"),
        ("rq:clean_registries:foveate", "a key without TTL: rq:clean_registries"),
    ],
)
def test_a_key_without_ttl_is_a_fault(connection: Redis, key: str, fault: str) -> None:
    assert find_leftovers(connection) == []
    connection.sadd(key, "member")
    assert find_leftovers(connection) == [fault]


def test_a_job_s_key_with_ttl_is_a_fault(connection: Redis) -> None:
    connection.set("in:some", b"", ex=60)
    assert find_leftovers(connection) == ["a key with TTL: in:some"]


def test_a_dead_worker_s_entry_is_allowed_until_it_expires(connection: Redis) -> None:
    connection.hset("rq:worker:dead", "state", "busy")
    connection.expire("rq:worker:dead", 60)
    connection.sadd("rq:workers", "rq:worker:dead")
    connection.set("foveate:writable", b"", ex=60)
    assert find_leftovers(connection) == []
    connection.delete("rq:worker:dead")
    assert find_leftovers(connection) == ["a worker that is gone is on RQ's list"]


def test_a_started_job_is_a_fault(connection: Redis) -> None:
    connection.zadd("rq:wip:foveate", {"some:execution": 4e9})
    assert "a job is in the started registry" in find_leftovers(connection)
