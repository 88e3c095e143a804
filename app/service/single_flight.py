"""Single flight: concurrent calls with equal keys share one run of the work."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from app.cancellation import end

T = TypeVar("T")


class SharedRun(Generic[T]):
    """Work in progress, and the number of callers that wait for it."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.task = asyncio.ensure_future(work)
        self.waiting = 0


class SingleFlight(Generic[T]):
    """The work in progress in this process, by key."""

    def __init__(self) -> None:
        self._runs: dict[str, SharedRun[T]] = {}

    async def run(self, key: str, start: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """Return the result of ``start()``, and whether another caller had started it.

        All callers get its exception. It is cancelled when its last caller is cancelled.
        """
        run = self._runs.get(key)
        joined = run is not None
        if run is None:
            run = self._runs[key] = SharedRun(start())
        run.waiting += 1
        try:
            return await asyncio.shield(run.task), joined
        finally:
            run.waiting -= 1
            # Later callers must not join a run that has ended or is about to be cancelled.
            if (run.task.done() or not run.waiting) and self._runs.get(key) is run:
                del self._runs[key]
            if not run.waiting and not run.task.done():
                await end(run.task)
