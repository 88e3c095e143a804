"""The application warns of settings that contradict each other."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from app.main import create_app
from app.settings import AppSettings

KEYS = (SecretStr("0123456789abcdef"),)


@pytest.mark.parametrize(
    ("keys", "hosts", "warned"),
    [((), (), False), (KEYS, (), True), ((), ("x.example",), True), (KEYS, ("x.example",), False)],
)
def test_fetch_keys_without_hosts_or_hosts_without_keys_are_a_warning(
    caplog: pytest.LogCaptureFixture,
    redis_url: str,
    keys: tuple[SecretStr, ...],
    hosts: tuple[str, ...],
    warned: bool,
) -> None:
    caplog.set_level(logging.WARNING, "app.main")
    app = create_app(AppSettings(redis_url=redis_url, fetch_keys=keys, fetch_hosts=hosts))
    # Not earlier: the server configures logging after it has created the application.
    assert not caplog.records

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(start())
    assert any("FETCH_KEYS" in record.getMessage() for record in caplog.records) is warned


def test_webhook_keys_without_hosts_are_a_warning(
    caplog: pytest.LogCaptureFixture, redis_url: str
) -> None:
    caplog.set_level(logging.WARNING, "app.main")
    app = create_app(AppSettings(redis_url=redis_url, webhook_hosts=("x.example",)))

    async def start() -> None:
        async with app.router.lifespan_context(app):
            assert app.state.webhooks is None

    asyncio.run(start())
    assert any("WEBHOOK_KEYS" in record.getMessage() for record in caplog.records)
