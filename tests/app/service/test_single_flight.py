"""Concurrent calls with equal keys share one run, which ends with its last caller."""

import asyncio

import pytest

from app.cancellation import end
from app.service.single_flight import SingleFlight, TimeLeft


class Work:
    """Counts its runs, and ends when ``may_end`` is set."""

    def __init__(self) -> None:
        self.runs = 0
        self.cancelled = 0
        self.left_s: TimeLeft = lambda: 0.0
        self.may_end = asyncio.Event()

    async def run(self, left_s: TimeLeft) -> int:
        self.runs += 1
        self.left_s = left_s
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.runs


def test_concurrent_calls_share_one_run() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        waiting = [asyncio.ensure_future(single_flight.run("a", work.run, 60)) for _ in range(100)]
        other = asyncio.ensure_future(single_flight.run("b", work.run, 60))
        await asyncio.sleep(0.01)
        work.may_end.set()
        results = await asyncio.gather(*waiting)
        assert work.runs == 2
        assert [joined for _, joined in results].count(False) == 1
        assert not (await other)[1]
        assert await single_flight.run("a", work.run, 60) == (3, False)

    asyncio.run(main())


def test_the_run_is_cancelled_with_its_last_caller() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        first, second = (
            asyncio.ensure_future(single_flight.run("a", work.run, 60)) for _ in range(2)
        )
        await asyncio.sleep(0.01)
        await end(first)
        assert work.cancelled == 0
        await end(second)
        assert work.cancelled == 1
        work.may_end.set()
        assert (await single_flight.run("a", work.run, 60))[1] is False

    asyncio.run(main())


def test_all_callers_get_the_error_and_it_is_not_kept() -> None:
    async def fail(_: TimeLeft) -> int:
        await asyncio.sleep(0.01)
        raise ValueError("broken")

    async def succeed(_: TimeLeft) -> int:
        return 1

    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        ends = await asyncio.gather(
            *(single_flight.run("a", fail, 60) for _ in range(3)), return_exceptions=True
        )
        assert [type(one) for one in ends] == [ValueError] * 3
        assert await single_flight.run("a", succeed, 60) == (1, False)

    asyncio.run(main())


def test_a_caller_never_joins_a_run_that_is_being_cancelled() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        leaving = asyncio.ensure_future(single_flight.run("a", work.run, 60))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.sleep(0)
        coming = asyncio.ensure_future(single_flight.run("a", work.run, 60))
        await asyncio.sleep(0.01)
        work.may_end.set()
        assert (await coming)[1] is False
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(main())


def test_each_caller_has_its_own_deadline_and_the_run_has_the_last_one() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        first = asyncio.ensure_future(single_flight.run("a", work.run, 0.1))
        await asyncio.sleep(0.05)
        assert work.left_s() < 0.1
        second = asyncio.ensure_future(single_flight.run("a", work.run, 60))
        third = asyncio.ensure_future(single_flight.run("a", work.run, 0.1))
        with pytest.raises(TimeoutError):
            await first
        assert not third.done()
        with pytest.raises(TimeoutError):
            await third
        assert 50 < work.left_s() <= 60
        work.may_end.set()
        assert await second == (1, True)
        assert work.cancelled == 0

    asyncio.run(main())


def test_the_run_ends_with_the_deadline_of_its_last_caller() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        with pytest.raises(TimeoutError):
            await single_flight.run("a", work.run, 0.05)
        assert work.cancelled == 1

    asyncio.run(main())
