"""A scrape shows Redis and the workers as they are now, and says when Redis does not respond."""

import httpx
from redis import Redis

from app.service.front_end import Service
from contract.keys import MEMORY_FIELD, TOTALS_KEY
from tests.app.http.in_process import NO_REDIS, use_service
from tests.idle_worker import register_worker


def test_a_scrape_has_what_workers_report(redis_url: str, connection: Redis) -> None:
    name = register_worker(connection, **{MEMORY_FIELD: 1234}).name
    connection.hset(TOTALS_KEY, mapping={"starts": 2, "deaths": 1, "jobs:finished": 5})

    async def work(client: httpx.AsyncClient, _: Service) -> None:
        lines = (await client.get("/metrics")).text.splitlines()
        assert {
            "foveate_workers 1.0",
            "foveate_redis_up 1.0",
            "foveate_worker_starts_total 2.0",
            "foveate_worker_deaths_total 1.0",
            'foveate_worker_jobs_total{outcome="finished"} 5.0',
            f'foveate_worker_memory_bytes{{worker="{name}"}} 1234.0',
        } <= set(lines)

    use_service(work, redis_url)


def test_without_redis_a_scrape_succeeds_and_says_so() -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.get("/metrics")
        assert response.status_code == 200
        assert {"foveate_redis_up 0.0", "foveate_workers NaN"} <= set(response.text.splitlines())
        assert "\nfoveate_worker_starts_total " not in response.text

    use_service(work, NO_REDIS)


def test_the_time_of_a_request_is_measured(redis_url: str) -> None:
    async def work(client: httpx.AsyncClient, _: Service) -> None:
        assert (await client.post("/compress", content=b"no photo")).status_code == 415
        text = (await client.get("/metrics")).text
        assert 'foveate_request_seconds_count{route="/compress"} 1.0' in text

    use_service(work, redis_url)
