"""Single flight: concurrent calls with equal keys share one run of the work."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from app.cancellation import end

T = TypeVar("T")
# Returns the seconds until the last deadline of all callers; more callers may come meanwhile.
TimeLeft = Callable[[], float]


class SharedRun(Generic[T]):
    """Work in progress, the number of callers that wait for it, and the last one's deadline."""

    def __init__(self, start: Callable[[TimeLeft], Coroutine[Any, Any, T]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline_s = 0.0
        self.waiting = 0
        self.task = asyncio.ensure_future(start(self._left_s))

    def extend(self, timeout_s: float) -> float:
        """Let the run last for at least ``timeout_s``; return that deadline in the loop's time."""
        deadline_s = self._loop.time() + timeout_s
        self._deadline_s = max(self._deadline_s, deadline_s)
        return deadline_s

    def _left_s(self) -> float:
        return self._deadline_s - self._loop.time()


class SingleFlight(Generic[T]):
    """The work in progress in this process, by key."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, SharedRun[T]] = {}

    async def run(
        self,
        key: Hashable,
        start: Callable[[TimeLeft], Coroutine[Any, Any, T]],
        timeout_s: float,
    ) -> tuple[T, bool]:
        """Return the result of ``start``, and whether another caller had started it.

        All callers get its exception. It is cancelled when its last caller leaves.

        Raises:
            TimeoutError: when this caller has waited for ``timeout_s``; others may still wait.
        """
        run = self._runs.get(key)
        joined = run is not None
        if run is None:
            run = self._runs[key] = SharedRun(start)
        run.waiting += 1
        try:
            async with asyncio.timeout_at(run.extend(timeout_s)):
                return await asyncio.shield(run.task), joined
        finally:
            run.waiting -= 1
            # Later callers must not join a run that has ended or is about to be cancelled.
            if (run.task.done() or not run.waiting) and self._runs.get(key) is run:
                del self._runs[key]
            if not run.waiting and not run.task.done():
                await end(run.task)
