"""Runs asynchronous test code with a started queue client or front end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import pytest

from app.queue.client import QueueClient
from app.queue.jobs import Jobs
from app.results.identity import digest_input
from app.service.front_end import Service
from app.settings import AppSettings
from contract.messages import Options, Reply, Result

PIXELS = 9


def run_with_client(redis_url: str, work: Callable[[QueueClient], Awaitable[Any]]) -> list[Reply]:
    """Run ``work`` with a started client; return the replies that it got."""
    replies: list[Reply] = []

    async def run() -> None:
        client = QueueClient(
            redis_url, result_ttl_s=30, on_reply=replies.append, on_death=pytest.fail
        )
        client.start()
        try:
            await work(client)
        finally:
            await client.stop()

    asyncio.run(run())
    return replies


def run_with_service(
    redis_url: str, work: Callable[[Service], Awaitable[Any]], **settings: Any
) -> None:
    """Run ``work`` with a started front end."""

    async def run() -> None:
        service = Service(AppSettings(redis_url=redis_url, result_ttl_s=30, **settings))
        service.start()
        try:
            await work(service)
        finally:
            await service.stop()

    asyncio.run(run())


async def start_detached(service: Service, data: bytes = b"data", *, may_store: bool = True) -> str:
    """Queue a detached job as the route does; return its id."""
    with ExitStack() as place:
        place.enter_context(service.admission.admit()).allocate(len(data))
        digest = await digest_input(data)
        return await service.detached.start(
            data, PIXELS, Options(), digest, place, may_store=may_store
        )


async def read_picture(jobs: Jobs, result: Result, *, heatmap: bool = False) -> bytes:
    """Return a whole picture, read in pieces of three bytes."""
    key, length_bytes = await jobs.find_picture(result, heatmap=heatmap)
    starts = range(0, length_bytes, 3)
    pieces = [await jobs.read_piece(key, at, min(3, length_bytes - at)) for at in starts]
    return b"".join(pieces)


async def wait_for_free_places(service: Service) -> None:
    """Wait until no detached job holds a place."""
    for _ in range(400):
        if not service.admission.pending:
            return
        await asyncio.sleep(0.01)
    pytest.fail("a detached job still holds its place")
