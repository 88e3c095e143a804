"""What tests of /fetch share: a hostile upstream, and a front end that may fetch from it."""

from collections.abc import Iterator

import httpx
import pytest

from app.sources.signature import signed_path
from tests.hostile_upstream import HostileUpstream, hostile_upstream
from tests.integration.front_end import FrontEnd, run_front_end
from tests.integration.http_requests import new_client
from tests.integration.running import Running

OLD_KEY, KEY = "an-older-key-of-a-cdn", "4f0d5c1e9a7b3f2d8c6e1a0b"


@pytest.fixture(scope="session")
def upstream() -> Iterator[HostileUpstream]:
    """Return the server that photos are fetched from."""
    with hostile_upstream() as server:
        yield server


@pytest.fixture(scope="session")
def fetching(service: Running, upstream: HostileUpstream) -> Iterator[FrontEnd]:
    """Return a front end that fetches from the upstream, with short timeouts and small limits."""
    assert service.url
    with run_front_end(service.redis_url, **fetch_settings(upstream)) as running:
        yield running


def fetch_settings(upstream: HostileUpstream) -> dict[str, str]:
    """Return the settings of a front end that fetches from ``upstream``."""
    return {
        "FETCH_KEYS": f"{KEY},{OLD_KEY}",
        "FETCH_HOSTS": "127.0.0.1,localhost,0.0.0.0",
        "FETCH_TIMEOUT_S": "2",
        "FETCH_READ_TIMEOUT_S": "1",
        "FETCH_MAX_AGE_S": "3600",
        "FETCH_LOOPBACK_PORT": str(upstream.port),
        "MAX_UPLOAD_BYTES": "1000000",
        "MAX_PIXELS": "1000000",
    }


@pytest.fixture(scope="session")
def cdn(fetching: FrontEnd) -> Iterator[httpx.Client]:
    """Return a client that asks for photos as a CDN does."""
    with new_client(base_url=fetching.url, timeout=30) as client:
        yield client


def path_of(url: str, options: str = "-", key: str = KEY) -> str:
    """Return the signed path of a photo."""
    return signed_path(key.encode(), url, options)
