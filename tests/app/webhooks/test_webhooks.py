"""Webhooks arrive at least once, and a receiver that does not answer holds up no other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import redis

from app.main import create_webhooks
from app.service.front_end import Service
from app.settings import AppSettings
from app.webhooks import webhooks as module
from app.webhooks.webhooks import FIRST_PAUSE_S, MAX_PAUSE_S, Webhooks, choose_pause_s
from contract.errors import CorruptImageError
from contract.keys import WEBHOOKS_KEY, image_key, job_key, record_key, webhook_key
from contract.messages import Failure, Result, encode_reply
from tests.app.webhooks.receiving import KEY, RAW_KEY, Receiver, run_receiver

JOB, OTHER = "j" * 24, "k" * 24


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLL_S", "FIRST_PAUSE_S", "JOB_POLL_S", "BUSY_DELAY_S"):
        monkeypatch.setattr(module, name, 0.1)
    monkeypatch.setattr("app.main.JOB_POLL_S", 0.1)
    monkeypatch.setattr(module, "LEASE_MARGIN_S", 0.5)


@pytest.fixture
def receiver(connection: redis.Redis) -> Iterator[Receiver]:
    assert connection.ping()
    with run_receiver() as server:
        yield server


def use(
    redis_url: str,
    receiver: Receiver,
    work: Callable[[Webhooks, Service], Awaitable[Any]],
    *,
    timeout_s: float = 1.0,
    lifetime_s: int = 60,
) -> str:
    """Run ``work`` with the webhooks of a front end; return its metrics."""

    async def run() -> str:
        settings = AppSettings(
            redis_url=redis_url,
            webhook_keys=(KEY,),
            webhook_hosts=("127.0.0.1", "localhost"),
            webhook_loopback_port=receiver.port,
            webhook_timeout_s=timeout_s,
            webhook_lifetime_s=lifetime_s,
        )
        service = Service(settings)
        webhooks = create_webhooks(settings, service)
        assert webhooks
        webhooks.start()
        try:
            await work(webhooks, service)
        finally:
            await webhooks.stop()
            await service.stop()
        return service.metrics.expose().decode()

    return asyncio.run(run())


def end_job(connection: redis.Redis, job_id: str = JOB) -> None:
    """Record that a job has finished, as a worker does."""
    result = Result(job_id, 8, 8, 500, 300, 400, "v1", None, {"queue": 1.0}, 1)
    connection.set(image_key(job_id), b"jpeg", ex=60)
    connection.set(record_key(job_id), encode_reply(result), ex=60)


def queue_job(connection: redis.Redis) -> None:
    """Add a job that has not ended."""
    connection.hset(job_key(JOB), mapping={"status": "started", "created_at": "", "data": b""})


async def wait_for(condition: Callable[[], object], timeout_s: float = 5) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.02)


def test_the_end_of_a_job_is_told_at_once(
    redis_url: str,
    connection: redis.Redis,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.main.JOB_POLL_S", 60)
    queue_job(connection)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "/img")
        await asyncio.sleep(0.3)
        assert receiver.received == []
        end_job(connection)
        webhooks.wake(JOB)
        await wait_for(lambda: receiver.received)
        await wait_for(lambda: not connection.exists(WEBHOOKS_KEY, webhook_key(JOB)))

    shown = use(redis_url, receiver, work)
    assert 'foveate_webhooks_total{outcome="delivered"} 1.0' in shown
    [received] = receiver.received
    assert received.has_signature_of(RAW_KEY)
    assert received.headers["webhook-id"] == JOB
    document = received.document
    assert document["type"] == "job.finished"
    assert document["data"]["state"] == "finished"
    assert document["data"]["links"]["image"] == f"/img/jobs/{JOB}/image"
    assert document["data"]["result"]["compressed_bytes"] == 300


def test_a_failed_job_is_told_with_its_error(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    failure = Failure(JOB, CorruptImageError.code, "The image's data is truncated or damaged.")
    connection.set(record_key(JOB), encode_reply(failure), ex=60)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await wait_for(lambda: receiver.received)

    use(redis_url, receiver, work)
    document = receiver.received[0].document
    assert document["type"] == "job.failed"
    assert document["data"]["error"]["type"] == "urn:foveate:problem:corrupt-image"


def test_a_deleted_job_is_told_as_gone(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    queue_job(connection)

    async def work(webhooks: Webhooks, service: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await asyncio.sleep(0.2)
        await service.jobs.delete(JOB)
        await wait_for(lambda: receiver.received)

    use(redis_url, receiver, work)
    error = receiver.received[0].document["data"]["error"]
    assert error["type"] == "urn:foveate:problem:job-gone"


def test_an_end_that_nobody_tells_is_found(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    """The front end that queued the job has died: the record alone shows its end."""
    queue_job(connection)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await asyncio.sleep(0.5)
        assert receiver.received == []
        end_job(connection)
        await wait_for(lambda: receiver.received)

    use(redis_url, receiver, work)
    assert receiver.received[0].document["type"] == "job.finished"


def test_a_job_that_vanished_is_told_as_late(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    assert not connection.exists(record_key(JOB))

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await wait_for(lambda: receiver.received)

    use(redis_url, receiver, work)
    error = receiver.received[0].document["data"]["error"]
    assert error["type"] == "urn:foveate:problem:deadline-passed"


def test_a_failed_attempt_is_repeated_with_the_same_body(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 200]
    end_job(connection)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await wait_for(lambda: receiver.received)
        connection.delete(record_key(JOB), image_key(JOB))  # it expires while attempts fail
        await wait_for(lambda: len(receiver.received) == 3)
        await wait_for(lambda: not connection.exists(WEBHOOKS_KEY))

    shown = use(redis_url, receiver, work)
    assert 'foveate_webhooks_total{outcome="failed"} 2.0' in shown
    assert 'foveate_webhooks_total{outcome="delivered"} 1.0' in shown
    assert len({one.body for one in receiver.received}) == 1
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    first, second, third = (one.at_s for one in receiver.received)
    assert second - first > 0.08
    assert third - second > 0.16


def test_a_dead_receiver_is_given_up_in_the_end(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    receiver.statuses = [503] * 100
    end_job(connection)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await wait_for(lambda: receiver.received)
        await wait_for(lambda: not connection.exists(WEBHOOKS_KEY, webhook_key(JOB)))

    shown = use(redis_url, receiver, work, lifetime_s=1)
    assert 'foveate_webhooks_total{outcome="dropped"} 1.0' in shown
    assert 3 <= len(receiver.received) <= 6


def test_a_receiver_that_wants_no_more_is_not_asked_again(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    receiver.statuses = [410]
    end_job(connection)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url(), "")
        await wait_for(lambda: receiver.received)
        await wait_for(lambda: not connection.exists(WEBHOOKS_KEY, webhook_key(JOB)))

    assert 'outcome="dropped"} 1.0' in use(redis_url, receiver, work)
    assert len(receiver.received) == 1


def test_a_slow_receiver_holds_up_no_other(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    slow = [f"{number:024}" for number in range(100)]
    for job_id in (*slow, OTHER):
        end_job(connection, job_id)

    async def work(webhooks: Webhooks, _: Service) -> None:
        for job_id in slow:
            await webhooks.add(job_id, receiver.url("/slow"), "")
        await wait_for(lambda: len(receiver.at("/slow")) == module.MAX_PER_HOST)
        started_s = time.monotonic()
        url = f"http://localhost:{receiver.port}/quick"
        await webhooks.add(OTHER, url, "")
        await wait_for(lambda: receiver.at("/quick"))
        assert time.monotonic() - started_s < 1
        assert len(receiver.at("/slow")) == module.MAX_PER_HOST

    use(redis_url, receiver, work, timeout_s=30)
    assert connection.zcard(WEBHOOKS_KEY) == 100  # nothing is lost when a front end stops


def test_a_webhook_that_expires_unsent_counts_as_dropped(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    jobs = [f"{number:024}" for number in range(module.MAX_PER_HOST + 2)]
    for job_id in jobs:
        end_job(connection, job_id)

    async def work(webhooks: Webhooks, _: Service) -> None:
        for job_id in jobs:
            await webhooks.add(job_id, receiver.url("/slow"), "")
        await wait_for(lambda: connection.zcard(WEBHOOKS_KEY) == module.MAX_PER_HOST, 10)

    assert 'outcome="dropped"} 2.0' in use(redis_url, receiver, work, timeout_s=30, lifetime_s=1)


def test_what_a_dead_front_end_had_claimed_is_delivered_by_another(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    end_job(connection)

    async def claim(webhooks: Webhooks, _: Service) -> None:
        await webhooks.loop.stop()
        await webhooks.add(JOB, receiver.url(), "")
        await asyncio.sleep(0.15)
        open_count, _, claimed = await webhooks._records.claim(5, 0.5)
        assert (open_count, len(claimed)) == (1, 1)  # and dies

    use(redis_url, receiver, claim)
    assert receiver.received == []

    async def wait(_: Webhooks, __: Service) -> None:
        await wait_for(lambda: receiver.received)

    use(redis_url, receiver, wait)
    assert len(receiver.received) == 1


def test_the_next_front_end_sends_the_same_although_the_record_has_expired(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    end_job(connection)

    async def begin(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, receiver.url("/slow"), "")
        await wait_for(lambda: receiver.received)

    use(redis_url, receiver, begin)
    connection.delete(record_key(JOB), image_key(JOB))
    receiver.slow_s = 0

    async def wait(_: Webhooks, __: Service) -> None:
        await wait_for(lambda: len(receiver.received) == 2)

    use(redis_url, receiver, wait)
    first, second = receiver.received
    assert first.body == second.body


def test_a_host_that_is_no_longer_allowed_gets_nothing(
    redis_url: str, connection: redis.Redis, receiver: Receiver
) -> None:
    end_job(connection)

    async def work(webhooks: Webhooks, _: Service) -> None:
        await webhooks.add(JOB, f"http://127.0.0.2:{receiver.port}/", "")
        await asyncio.sleep(0.5)
        # Another front end may have newer settings, which allow it.
        assert connection.exists(WEBHOOKS_KEY, webhook_key(JOB)) == 2
        await wait_for(lambda: not connection.exists(WEBHOOKS_KEY, webhook_key(JOB)))

    assert 'outcome="dropped"} 1.0' in use(redis_url, receiver, work, lifetime_s=1)
    assert receiver.received == []


def test_pauses_double_up_to_a_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", FIRST_PAUSE_S)
    for attempts, expected_s in ((0, FIRST_PAUSE_S), (3, 8 * FIRST_PAUSE_S), (99, MAX_PAUSE_S)):
        pauses = [choose_pause_s(attempts) for _ in range(50)]
        assert 0.8 * expected_s <= min(pauses) < max(pauses) <= 1.2 * expected_s
