"""Equal work at the same time is done once, for as long as somebody waits for it."""

import asyncio

import pytest

from app.cancellation import end
from app.service.single_flight import SingleFlight


class Work:
    """Counts its runs, and waits to be let go."""

    def __init__(self) -> None:
        self.runs = 0
        self.cancelled = 0
        self.may_end = asyncio.Event()

    async def run(self) -> int:
        self.runs += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.runs


def test_a_hundred_that_come_together_share_one_run() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        waiting = [asyncio.ensure_future(single_flight.run("a", work.run)) for _ in range(100)]
        other = asyncio.ensure_future(single_flight.run("b", work.run))
        await asyncio.sleep(0.01)
        work.may_end.set()
        results = await asyncio.gather(*waiting)
        assert work.runs == 2
        assert [joined for _, joined in results].count(False) == 1
        assert not (await other)[1]
        assert await single_flight.run("a", work.run) == (3, False)

    asyncio.run(main())


def test_who_leaves_takes_nothing_from_the_others_until_the_last() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        first, second = (asyncio.ensure_future(single_flight.run("a", work.run)) for _ in range(2))
        await asyncio.sleep(0.01)
        await end(first)
        assert work.cancelled == 0
        await end(second)
        assert work.cancelled == 1
        work.may_end.set()
        assert (await single_flight.run("a", work.run))[1] is False

    asyncio.run(main())


def test_an_error_is_everybodys_and_is_not_kept() -> None:
    async def fail() -> int:
        await asyncio.sleep(0.01)
        raise ValueError("broken")

    async def succeed() -> int:
        return 1

    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        ends = await asyncio.gather(
            *(single_flight.run("a", fail) for _ in range(3)), return_exceptions=True
        )
        assert [type(one) for one in ends] == [ValueError] * 3
        assert await single_flight.run("a", succeed) == (1, False)

    asyncio.run(main())


def test_a_client_that_comes_while_the_last_one_leaves_starts_anew() -> None:
    async def main() -> None:
        single_flight: SingleFlight[int] = SingleFlight()
        work = Work()
        leaving = asyncio.ensure_future(single_flight.run("a", work.run))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.sleep(0)
        coming = asyncio.ensure_future(single_flight.run("a", work.run))
        await asyncio.sleep(0.01)
        work.may_end.set()
        assert (await coming)[1] is False
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(main())
