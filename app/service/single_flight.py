"""Single flight: equal work that is asked for at the same time is done once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from app.cancellation import end

T = TypeVar("T")


class Flight(Generic[T]):
    """Work under way, and how many wait for it."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.task = asyncio.ensure_future(work)
        self.waiting = 0


class Flights(Generic[T]):
    """The work that is under way in this process, each by its key."""

    def __init__(self) -> None:
        self._open: dict[str, Flight[T]] = {}

    async def join(self, key: str, start: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """Return what ``start`` returns, and whether somebody else had started it already.

        Its error is everybody's. It is cancelled when nobody waits for it any more.
        """
        flight = self._open.get(key)
        joined = flight is not None
        if flight is None:
            flight = self._open[key] = Flight(start())
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task), joined
        finally:
            flight.waiting -= 1
            # Who comes from now on must not join what is over or about to be ended.
            if (flight.task.done() or not flight.waiting) and self._open.get(key) is flight:
                del self._open[key]
            if not flight.waiting and not flight.task.done():
                await end(flight.task)
