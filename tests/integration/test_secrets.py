"""No secret of the settings is in a log, a message, a metric, a response or a command line."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.sources.signature import signed_path
from app.supervision import embedded_redis as embedded
from tests.app.telemetry.collector import collector
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import new_client
from tests.integration.running import run_service, wait_for
from tests.photos import file_of, photo

# Each is a part of a secret that would show where it came from.
PASSWORD, API_KEY, FETCH_KEY, HEADER = (f"canary-{n}-0123456789" for n in ("p", "a", "f", "h"))
STORE_KEY = "canary-s-0123456789"
SECRETS = {
    "API_KEYS": f"{API_KEY},{API_KEY}-2",
    "FETCH_KEYS": FETCH_KEY,
    "FETCH_HOSTS": "127.0.0.1,photos.invalid",
    "AWS_ACCESS_KEY_ID": "an-id",
    "AWS_SECRET_ACCESS_KEY": STORE_KEY,
    "AWS_SESSION_TOKEN": f"{STORE_KEY}-token",
    "S3_ENDPOINT": "http://127.0.0.1:1",
    "S3_BUCKETS": "photos",
    "WEBHOOK_KEYS": f"whsec_{'0123456789' * 4}",
    "WEBHOOK_HOSTS": "127.0.0.1",
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{HEADER}",
}


@pytest.fixture
def guarded_redis_url(tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a Valkey that requires a password."""
    tmp_path.chmod(0o700)
    command = [*embedded.command(embedded.find_server(), tmp_path), "--requirepass", PASSWORD]
    server = subprocess.Popen(command)
    try:
        url = f"unix://:{PASSWORD}@{tmp_path}/redis.sock?db=0"
        embedded.wait_until_up(url, give_up=lambda: server.poll() is not None)
        yield url
    finally:
        server.kill()
        server.wait(10)


def read_everything(url: str) -> str:
    """Return the responses, with headers, of requests that succeed and that fail."""
    photos = {"content": file_of(photo())}
    key = {"Authorization": f"Bearer {API_KEY}"}
    with new_client(base_url=url, timeout=30) as client:
        responses = [
            *(client.get(path, headers=key) for path in ("/", "/docs", "/metrics", "/readyz")),
            *(client.get(path) for path in ("/openapi.json", "/nothing", "/metrics")),
            client.post("/compress", **photos, headers=key),
            client.post("/compress", **photos, headers={"Authorization": f"Bearer {API_KEY}-3"}),
            client.post("/compress", content=b"no photo", headers=key),
            client.post("/compress?quality=0", **photos, headers=key),
            client.get(f"/jobs/{'x' * 24}", headers=key),
            client.get(signed_path(FETCH_KEY.encode(), "http://photos.invalid/a.jpg")),
            client.get(signed_path(FETCH_KEY.encode(), "http://127.0.0.1/a.jpg", "quality=0")),
            client.get(signed_path(FETCH_KEY.encode(), "s3://photos/a.jpg")),
            client.get(signed_path(FETCH_KEY.encode(), "s3://other/a.jpg")),
            client.post(
                "/compress?webhook=http://127.0.0.1/",
                **photos,
                headers={**key, "Prefer": "respond-async"},
            ),
            client.get("/fetch/wrong/-/http%3A%2F%2Fphotos.invalid%2Fa.jpg"),
        ]
    return "\n".join(
        f"{response.status_code} {response.headers} {response.text}" for response in responses
    )


def assert_no_secret(text: str) -> None:
    """Fail where a secret, or the end of one, is in ``text``."""
    assert "0123456789" not in text, [line for line in text.splitlines() if "0123456789" in line]


def test_a_service_shows_no_secret(guarded_redis_url: str, tmp_path: Path) -> None:
    with (
        collector() as (collector_url, _),
        run_service(
            tmp_path,
            pass_s=0.0,
            REDIS_URL=guarded_redis_url,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector_url.replace("//", f"//user:{HEADER}@"),
            LOG_LEVEL="DEBUG",
            **SECRETS,
        ) as service,
    ):
        shown = read_everything(service.url)
        assert "200 " in shown
        commands = [
            " ".join(process.cmdline())
            for process in psutil.Process(service.process.pid).children(recursive=True)
        ]
        assert len(commands) >= 2
        assert service.stop() == 0
    assert_no_secret("\n".join([shown, *commands, service.output]))


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{PASSWORD}@127.0.0.1:1/0?password={PASSWORD}",
        # The server has no password, and refuses the one that is sent.
        f"unix://user:{PASSWORD}@{{socket}}?db=0",
    ],
)
def test_a_front_end_without_redis_and_collector_shows_no_secret(url: str, redis_url: str) -> None:
    socket_path = redis_url.removeprefix("unix://").partition("?")[0]
    with run_front_end(
        url.format(socket=socket_path),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://user:{HEADER}@127.0.0.1:1",
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        LOG_LEVEL="DEBUG",
        **SECRETS,
    ) as running:
        shown = read_everything(running.url)
        wait_for(lambda: any("sweep skipped" in line for line in running.lines))
        assert_no_secret("\n".join([shown, *running.lines]))
