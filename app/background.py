"""Tasks that run as long as their process; one that ends is logged, counted and started again."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from app.cancellation import end

log = logging.getLogger(__name__)

# A task that ran for at least this long is started again at once. After shorter runs in a row the
# delays double up to the maximum.
STABLE_AFTER_S: Final = 5.0
FIRST_DELAY_S: Final = 1.0
MAX_DELAY_S: Final = 8.0


class BackgroundTask:
    """Runs ``work``, which must not end; ``on_death`` gets ``name`` each time it does."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        *,
        on_death: Callable[[str], None],
    ) -> None:
        self.name = name
        self._work = work
        self._on_death = on_death
        self._task: asyncio.Task[None] | None = None
        self._started_s = 0.0
        # Deaths in a row, each soon after the start.
        self._early_deaths = 0

    @property
    def can_run(self) -> bool:
        """Whether the task works, as far as known: False after two early deaths in a row."""
        if self._task is not None and self._task.done():
            return False
        return self._early_deaths < 2 or self._is_stable()

    def start(self) -> None:
        """Start the task."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Cancel the task and wait until it has ended."""
        if self._task is not None:
            await end(self._task)

    async def _run(self) -> None:
        while True:
            self._started_s = time.monotonic()
            try:
                await self._work()
                log.error("background task %s ended; starting it again", self.name)
            except asyncio.CancelledError:
                # Something that the work waited for may have been cancelled, not this task.
                if (current := asyncio.current_task()) is None or current.cancelling():
                    raise
                log.exception("background task %s was cancelled; starting it again", self.name)
            except Exception:
                log.exception("background task %s failed; starting it again", self.name)
            self._on_death(self.name)
            if self._is_stable():
                self._early_deaths = 0
            self._early_deaths += 1
            # While it waits, it has not run for any time.
            self._started_s = float("inf")
            await asyncio.sleep(self._delay_s())

    def _is_stable(self) -> bool:
        return time.monotonic() - self._started_s >= STABLE_AFTER_S

    def _delay_s(self) -> float:
        if self._early_deaths < 2:
            return 0.0
        return min(FIRST_DELAY_S * 2.0 ** (self._early_deaths - 2), MAX_DELAY_S)
