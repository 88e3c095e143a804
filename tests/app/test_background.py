"""A background task that ends is logged, counted and started again."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

import app.background
from app.background import BackgroundTask


class Work:
    """Runs one of ``endings`` at each start, and then works until it is stopped."""

    def __init__(self, *endings: Callable[[], Awaitable[None]]) -> None:
        self.starts = 0
        self.deaths: list[str] = []
        self._endings = list(endings)
        self.works = asyncio.Event()

    async def run(self) -> None:
        self.starts += 1
        if self._endings:
            await self._endings.pop(0)()
            return
        self.works.set()
        await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("broken")


async def end_without_a_word() -> None:
    await asyncio.sleep(0)


async def wait_for_something_cancelled() -> None:
    other = asyncio.get_running_loop().create_future()
    other.cancel()
    await other


@pytest.mark.parametrize("ending", [fail, end_without_a_word, wait_for_something_cancelled])
def test_a_task_that_ends_is_logged_counted_and_started_again(
    ending: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        work = Work(ending)
        task = BackgroundTask("replies", work.run, on_death=work.deaths.append)
        task.start()
        await asyncio.wait_for(work.works.wait(), 5)
        assert (work.starts, work.deaths) == (2, ["replies"])
        assert task.can_run
        await task.stop()

    asyncio.run(run())
    assert "background task replies" in caplog.text


def test_a_task_that_keeps_failing_can_not_run_until_it_has_worked_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.background, "FIRST_DELAY_S", 0.1)
    monkeypatch.setattr(app.background, "STABLE_AFTER_S", 0.5)

    async def run() -> None:
        work = Work(fail, fail)
        task = BackgroundTask("replies", work.run, on_death=work.deaths.append)
        task.start()
        while len(work.deaths) < 2:
            assert task.can_run
            await asyncio.sleep(0)
        assert not task.can_run
        failed_s = time.monotonic()
        await asyncio.wait_for(work.works.wait(), 5)
        assert time.monotonic() - failed_s > 0.09
        assert not task.can_run
        await asyncio.sleep(0.6)
        assert task.can_run
        await task.stop()

    asyncio.run(run())


def test_a_task_that_is_stopped_ends_and_is_not_counted() -> None:
    async def run() -> None:
        work = Work()
        task = BackgroundTask("replies", work.run, on_death=work.deaths.append)
        await task.stop()
        task.start()
        await work.works.wait()
        await task.stop()
        assert (work.starts, work.deaths) == (1, [])
        assert not task.can_run

    asyncio.run(run())
