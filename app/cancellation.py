"""Cancels tasks until they end.

``asyncio.wait_for``, which redis-py waits with, can swallow a cancellation that arrives just as
what it waits for completes (CPython gh-86296, fixed in 3.12): the task would then go on.
"""

import asyncio
from typing import Any

ASK_AGAIN_S = 0.1


async def end(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel ``tasks``, again until each has heard it, and return when all have ended."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=ASK_AGAIN_S)
    # Retrieve the exceptions; otherwise the loop reports them as never retrieved.
    await asyncio.gather(*tasks, return_exceptions=True)
