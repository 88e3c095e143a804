"""A job filled in from the template is what RQ's own enqueue leaves in Redis."""

import secrets

import pytest
import redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from app.queue import enqueue as job_template
from app.queue.enqueue import JobTemplate
from contract.keys import QUEUE_NAME
from contract.messages import Options, Request

REQUEST = Request(Options(quality=40, width=9), "0123456789abcdef", 4, 9, 1.5, 31.5).to_json()
TIMES = {b"created_at", b"enqueued_at"}


@pytest.fixture
def queue(connection: redis.Redis) -> Queue:
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    queue.get_redis_server_version()
    return queue


def enqueue(connection: redis.Redis, packed: bytes, count: int) -> None:
    raw = connection.connection_pool.get_connection()
    raw.send_packed_command([packed])
    for _ in range(count):
        raw.read_response()
    connection.connection_pool.release(raw)


def leave_behind(connection: redis.Redis, job_id: str) -> dict[str, object]:
    """Return everything in Redis, with the job's times and id left out, and empty it."""
    found: dict[str, object] = {}
    for key in connection.scan_iter():
        kind = connection.type(key)
        name = key.decode().replace(job_id, "ID")
        if kind == b"hash":
            found[name] = {
                field: value
                for field, value in connection.hgetall(key).items()
                if field not in TIMES
            }
        elif kind == b"set":
            found[name] = connection.smembers(key)
        else:
            found[name] = [
                item.decode().replace(job_id, "ID") for item in connection.lrange(key, 0, -1)
            ]
        found[f"{name} ttl"] = connection.ttl(key)
    connection.flushall()
    return found


def test_a_job_is_what_rq_makes_of_it(
    connection: redis.Redis, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    template = JobTemplate(queue, timeout_s=120, ttl_s=180, result_ttl_s=300)
    assert not caplog.records
    left: list[dict[str, object]] = []
    for make in (template.commands, template.ask_rq):
        job_id = secrets.token_urlsafe(18)
        enqueue(connection, *make(job_id, REQUEST))
        job = Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
        assert job.kwargs == {"request": REQUEST}
        assert job.created_at is not None
        assert job.enqueued_at is not None
        assert abs((job.enqueued_at - job.created_at).total_seconds()) < 1
        left.append(leave_behind(connection, job_id))
    assert left[0] == left[1]
    assert left[0]["rq:job:ID ttl"] == 180
    assert left[0][queue.key] == ["ID"]


def test_what_rq_writes_otherwise_is_left_to_rq(
    connection: redis.Redis,
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def save_more(job: Job, pipeline: redis.client.Pipeline, **_: object) -> None:
        pipeline.hset(job.key, mapping={**job.to_dict(), "checksum": str(hash(job.data))})

    monkeypatch.setattr(Job, "save", save_more)
    template = JobTemplate(queue, timeout_s=120, ttl_s=180, result_ttl_s=300)
    assert "RQ" in caplog.text
    enqueue(connection, *template.commands("a", REQUEST))
    job = Job.fetch("a", connection=connection, serializer=JSONSerializer)
    assert job.kwargs == {"request": REQUEST}
    assert connection.hget(job.key, "checksum") == str(hash(job.data)).encode()


def test_samples_are_no_jobs_and_as_long_as_one() -> None:
    assert {len(name) for name in job_template.SAMPLE_IDS} == {len(secrets.token_urlsafe(18))}
