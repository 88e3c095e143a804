"""Cancels tasks until they have ended.

On Python 3.11 ``asyncio.wait_for``, which redis-py uses, can swallow a cancellation that arrives
while its awaitable completes (CPython gh-86296, fixed in 3.12). The task would then continue.
"""

import asyncio
from typing import Any, Final

CANCEL_INTERVAL_S: Final = 0.1


async def end(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel ``tasks``, repeatedly if needed, and return when all have ended."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_INTERVAL_S)
    # Retrieve the exceptions; otherwise the loop reports them as never retrieved.
    await asyncio.gather(*tasks, return_exceptions=True)
