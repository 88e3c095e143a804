"""One service for all tests that need no special settings."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis

from bench.robustness.cutting_proxy import CuttingProxy
from tests.integration.http_requests import new_client
from tests.integration.running import Running, run_service

TTL_S = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running service with small limits, so that tests can reach them."""
    with run_service(
        tmp_path_factory.mktemp("service"),
        MAX_UPLOAD_BYTES="4000000",
        MAX_PIXELS="3000000",
        RESULT_TTL_S=str(TTL_S),
        MAINTENANCE_INTERVAL_S="1",
    ) as running:
        assert running.url
        yield running


@pytest.fixture(scope="session")
def client(service: Running) -> Iterator[httpx.Client]:
    """Return an HTTP client of the service."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    with new_client(base_url=service.url, timeout=60, limits=limits) as client:
        yield client


@pytest.fixture(scope="session")
def redis_of_service(service: Running) -> Iterator[Redis]:
    """Return a client of the service's Valkey."""
    with Redis.from_url(service.redis_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def cutting_proxy(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CuttingProxy]:
    """Return a proxy in front of the bundled Valkey."""
    path = tmp_path_factory.mktemp("proxy") / "proxy.sock"
    with CuttingProxy(path, Path(urlsplit(redis_url).path)) as proxy:
        yield proxy
