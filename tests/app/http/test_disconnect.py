"""The work for a client that disconnects is cancelled until it ends; nothing else is."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.http.disconnect import cancel_on_disconnect
from contract.errors import CorruptImageError


def run(work: Coroutine[Any, Any, Any], *, disconnects_after_s: float | None) -> Any:
    """Return what ``cancel_on_disconnect`` does; wait for late cancellations after it."""

    async def receive() -> Message:
        await asyncio.sleep(60 if disconnects_after_s is None else disconnects_after_s)
        return {"type": "http.disconnect"}

    async def respond() -> Any:
        try:
            return await cancel_on_disconnect(Request({"type": "http"}, receive), work)
        finally:
            await asyncio.sleep(0.25)  # a late cancellation would end it
            task = asyncio.current_task()
            assert task is not None
            assert not task.cancelling()

    async def main() -> Any:
        return await asyncio.create_task(respond())

    return asyncio.run(main())


def test_the_result_is_returned() -> None:
    assert run(asyncio.sleep(0.01, "done"), disconnects_after_s=None) == "done"


def test_a_disconnect_cancels_the_work() -> None:
    ended: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    assert run(work(), disconnects_after_s=0.01) is None
    assert ended == [True]


def test_a_swallowed_cancellation_is_repeated() -> None:
    async def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    assert run(work(), disconnects_after_s=0.01) is None


def test_a_disconnect_at_the_end_of_the_work_has_no_effect() -> None:
    assert run(asyncio.sleep(0.05, "done"), disconnects_after_s=0.05) in {None, "done"}


def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise CorruptImageError("Broken.")

    with pytest.raises(CorruptImageError):
        run(work(), disconnects_after_s=None)


def test_a_cancellation_by_the_server_is_raised() -> None:
    async def main() -> None:
        async def receive() -> Message:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        request = Request({"type": "http"}, receive)
        task = asyncio.create_task(cancel_on_disconnect(request, asyncio.sleep(60)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
