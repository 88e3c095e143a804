"""Work for a client that hangs up is cancelled until it hears it; nothing else is."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.http.disconnect import unless_client_leaves
from contract.errors import CorruptImageError


def run(work: Coroutine[Any, Any, Any], *, leaves_after_s: float | None) -> Any:
    """Return what a request gets whose client hangs up, or stays; and let a while pass after it."""

    async def receive() -> Message:
        await asyncio.sleep(60 if leaves_after_s is None else leaves_after_s)
        return {"type": "http.disconnect"}

    async def respond() -> Any:
        try:
            return await unless_client_leaves(Request({"type": "http"}, receive), work)
        finally:
            await asyncio.sleep(0.25)  # which a late cancellation would end
            task = asyncio.current_task()
            assert task is not None
            assert not task.cancelling()

    async def main() -> Any:
        return await asyncio.create_task(respond())

    return asyncio.run(main())


def test_what_is_done_is_returned() -> None:
    assert run(asyncio.sleep(0.01, "done"), leaves_after_s=None) == "done"


def test_who_hangs_up_gets_nothing_and_ends_the_work() -> None:
    ended: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    assert run(work(), leaves_after_s=0.01) is None
    assert ended == [True]


def test_work_that_overhears_it_is_asked_again() -> None:
    async def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    assert run(work(), leaves_after_s=0.01) is None


def test_who_hangs_up_as_the_work_ends_disturbs_nothing() -> None:
    assert run(asyncio.sleep(0.05, "done"), leaves_after_s=0.05) in {None, "done"}


def test_its_error_is_the_requests() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise CorruptImageError("Broken.")

    with pytest.raises(CorruptImageError):
        run(work(), leaves_after_s=None)


def test_a_server_that_ends_is_heard() -> None:
    async def main() -> None:
        async def receive() -> Message:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        request = Request({"type": "http"}, receive)
        task = asyncio.create_task(unless_client_leaves(request, asyncio.sleep(60)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
