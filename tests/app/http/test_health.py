"""Liveness needs nothing; readiness needs Redis and a worker."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from redis import Redis

import app.redis
from app.cancellation import end
from app.service.admission import Admission
from app.service.front_end import Service
from contract.keys import COMPILING_KEY
from tests.app.http.in_process import read_problem, use_service
from tests.idle_worker import register_worker


def test_without_redis_the_process_is_alive_and_not_ready() -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        alive = await client.get("/livez")
        assert (alive.status_code, alive.text) == (200, "ok")
        assert read_problem(await client.get("/readyz")) == (503, "queue-unavailable")
        metrics = (await client.get("/metrics")).text
        assert "foveate_queue_length NaN" in metrics
        assert "foveate_workers NaN" in metrics
        assert "foveate_errors_total{" not in metrics  # a failed check is no error of a request

    use_service(work)


def test_ready_means_that_a_worker_is_alive(redis_url: str, connection: Redis) -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.get("/readyz")
        assert read_problem(response) == (503, "no-worker")
        assert int(response.headers["retry-after"]) > 0
        register_worker(connection)
        assert (await client.get("/readyz")).json() == {"workers": 1}

    use_service(work, redis_url)


def test_a_front_end_says_how_many_kernels_its_first_worker_has_compiled(
    redis_url: str, connection: Redis
) -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        connection.set(COMPILING_KEY, "34/92")
        response = await client.get("/readyz")
        assert read_problem(response) == (503, "no-worker")
        assert response.json()["detail"] == "No worker is ready: compiling kernels, 34 of 92."
        assert response.json()["kernels"] == {"compiled": 34, "total": 92}
        for damaged in (b"", b"34", b"34/", b"/92", b"-1/92", b"\xff/\xff"):
            connection.set(COMPILING_KEY, damaged)
            response = await client.get("/readyz")
            assert read_problem(response) == (503, "no-worker")
            assert "kernels" not in response.json()
        register_worker(connection)  # another one, while a second compiles
        connection.set(COMPILING_KEY, "34/92")
        assert (await client.get("/readyz")).json() == {"workers": 1}

    use_service(work, redis_url)


def test_a_background_task_that_can_not_run_makes_the_front_end_unready(
    redis_url: str, connection: Redis
) -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        register_worker(connection)
        service.admission = SimpleNamespace(pending=None)  # no number
        service.start()
        async with asyncio.timeout(5):
            while (response := await client.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.01)
        assert read_problem(response) == (503, "queue-unavailable")
        assert "workers" in response.json()["detail"]
        assert (await client.get("/livez")).status_code == 200
        service.admission = Admission(1, 1)
        assert (
            'foveate_task_deaths_total{task="workers"} 2.0' in (await client.get("/metrics")).text
        )

    use_service(work, redis_url)


def test_readiness_waits_for_no_connection_of_requests(
    redis_url: str, connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.redis, "MAX_CONNECTIONS", 1)

    async def work(client: httpx.AsyncClient, service: Service) -> None:
        register_worker(connection)
        held = asyncio.ensure_future(service.queue.redis.blpop(["nothing"], 3))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(1):
            assert (await client.get("/readyz")).json() == {"workers": 1}
        await end(held)

    use_service(work, redis_url)


@pytest.mark.usefixtures("connection")
def test_metrics_are_in_prometheus_format(redis_url: str) -> None:
    async def work(client: httpx.AsyncClient, service: Service) -> None:
        with service.admission.admit():
            response = await client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=")
        assert "# HELP foveate_requests_total Requests to /compress" in response.text
        for line in ("queue_length 0.0", "workers 0.0", "pending_uploads 1.0"):
            assert f"foveate_{line}" in response.text

    use_service(work, redis_url)
