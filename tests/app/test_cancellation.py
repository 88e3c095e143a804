"""A task that swallows its first cancellation is cancelled again."""

import asyncio

from app.cancellation import end


def test_a_swallowed_cancellation_is_repeated() -> None:
    swallowed = 0

    async def swallow_once() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    async def run() -> None:
        task = asyncio.ensure_future(swallow_once())
        await asyncio.sleep(0)
        await end(task)
        assert task.cancelled()

    asyncio.run(run())
    assert swallowed == 1


def test_exceptions_of_tasks_are_not_raised() -> None:
    async def broken() -> None:
        raise RuntimeError("broken")

    async def run() -> None:
        task = asyncio.ensure_future(broken())
        await asyncio.wait({task})
        await end(task)

    asyncio.run(run())
