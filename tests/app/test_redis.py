"""Many use one connection: each gets its own answers, and one's fault is nobody else's."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app import redis as shared_connection
from app.cancellation import end
from app.redis import SharedConnection, pack
from app.redis_answers import Answers, attach


def use(redis_url: str, work: Callable[[SharedConnection], Awaitable[None]]) -> None:
    async def run() -> None:
        shared = SharedConnection(redis_url, timeout_s=1.0)
        try:
            await work(shared)
        finally:
            await shared.close()

    asyncio.run(run())


def ask(
    shared: SharedConnection, *commands: tuple[str | bytes | int, ...]
) -> Awaitable[list[object]]:
    return shared.execute([pack(*command) for command in commands], len(commands))


def clients(connection: redis.Redis) -> int:
    return len(connection.client_list(_type="normal"))


@pytest.fixture(params=[True, False], ids=["attached", "redis-py reads"], autouse=True)
def attached(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Read as the front end does, and as it does where redis-py keeps its transport elsewhere."""
    made: list[object] = []

    def attach_or_not(connection: AbstractConnection, take: Callable[[object], None]) -> object:
        made.append(attach(connection, take) if request.param else None)
        return made[-1]

    monkeypatch.setattr(shared_connection, "attach", attach_or_not)
    return made


def test_redis_py_keeps_its_transport_where_it_is_looked_for(
    redis_url: str, attached: list[object], request: pytest.FixtureRequest
) -> None:
    async def work(shared: SharedConnection) -> None:
        assert await ask(shared, ("ECHO", "a")) == [b"a"]

    use(redis_url, work)
    is_attached = request.node.callspec.params["attached"]
    assert [one is not None for one in attached] == [is_attached]


def test_a_transactions_errors_are_raised_as_well(redis_url: str) -> None:
    async def work(shared: SharedConnection) -> None:
        with pytest.raises(ResponseError):
            await ask(shared, ("MULTI",), ("SET", "a", 1), ("LPOP", "a"), ("EXEC",))

    use(redis_url, work)


def test_everyone_gets_their_own_answers_over_one_connection(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(shared: SharedConnection) -> None:
        before = clients(connection)
        asked = [ask(shared, ("ECHO", str(n)), ("ECHO", bytes(100_000))) for n in range(50)]
        answers = await asyncio.gather(*asked)
        assert [first for first, _ in answers] == [str(n).encode() for n in range(50)]
        assert all(second == bytes(100_000) for _, second in answers)
        assert clients(connection) == before + 1

    use(redis_url, work)


def test_an_error_is_raised_where_it_was_asked_for(redis_url: str) -> None:
    async def work(shared: SharedConnection) -> None:
        wrong = ask(shared, ("SET", "a", 1), ("LPOP", "a"), ("GET", "a"))
        answers = await asyncio.gather(wrong, ask(shared, ("GET", "a")), return_exceptions=True)
        assert isinstance(answers[0], ResponseError)
        assert answers[1] == [b"1"]

    use(redis_url, work)


def test_who_leaves_takes_nothing_from_others(redis_url: str) -> None:
    async def work(shared: SharedConnection) -> None:
        leaving = asyncio.ensure_future(ask(shared, ("BLPOP", "nothing", "0.3")))
        staying = asyncio.ensure_future(ask(shared, ("ECHO", "a")))
        await asyncio.sleep(0.1)
        await end(leaving)
        assert await staying == [b"a"]

    use(redis_url, work)


def test_who_leaves_before_anything_was_sent_leaves_nothing_to_send(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(shared: SharedConnection) -> None:
        leaving = asyncio.ensure_future(ask(shared, ("SET", "left", bytes(100_000))))
        staying = asyncio.ensure_future(ask(shared, ("ECHO", "a")))
        await asyncio.sleep(0)  # both are asked for, and there is no connection yet
        await end(leaving)
        assert await staying == [b"a"]
        assert not connection.exists("left")

    use(redis_url, work)


def test_a_cut_connection_is_made_again(redis_url: str, connection: redis.Redis) -> None:
    async def work(shared: SharedConnection) -> None:
        await ask(shared, ("ECHO", "a"))
        connection.client_kill_filter(_type="normal", skipme=True)
        assert await ask(shared, ("ECHO", "b")) == [b"b"]
        waiting = asyncio.ensure_future(ask(shared, ("BLPOP", "list", 5)))
        await asyncio.sleep(0.1)
        connection.client_kill_filter(_type="normal", skipme=True)
        connection.rpush("list", "c")
        assert await waiting == [[b"list", b"c"]]

    use(redis_url, work)


def test_a_redis_that_is_silent_is_given_up_and_asked_anew(redis_url: str) -> None:
    async def work(shared: SharedConnection) -> None:
        await ask(shared, ("ECHO", "a"))
        started_s = time.monotonic()
        silent = [ask(shared, ("BLPOP", "nothing", 60)), ask(shared, ("ECHO", "b"))]
        answers = await asyncio.gather(*silent, return_exceptions=True)
        assert all(isinstance(answer, RedisTimeoutError) for answer in answers)
        assert time.monotonic() - started_s < 5
        assert await ask(shared, ("ECHO", "c")) == [b"c"]

    use(redis_url, work)


def test_what_a_given_up_connection_still_says_is_nobodys_answer(
    redis_url: str, attached: list[object]
) -> None:
    async def work(shared: SharedConnection) -> None:
        with pytest.raises(RedisTimeoutError):
            await ask(shared, ("BLPOP", "nothing", 60))
        asked = asyncio.ensure_future(ask(shared, ("ECHO", "mine")))
        await asyncio.sleep(0)
        if isinstance(attached[0], Answers):  # else nothing is read of it
            attached[0].data_received(b"$6\r\nothers\r\n")
        assert await asked == [b"mine"]

    use(redis_url, work)


@pytest.mark.parametrize("said", [b"+OK\r\n", b"what?\r\n"])
def test_a_connection_that_makes_no_sense_is_made_again(
    redis_url: str, connection: redis.Redis, attached: list[object], said: bytes
) -> None:
    async def work(shared: SharedConnection) -> None:
        await ask(shared, ("ECHO", "a"))
        before = clients(connection)
        if isinstance(attached[0], Answers):
            attached[0].data_received(said)
            attached[0].data_received(said)
            await asyncio.sleep(0.1)
            assert clients(connection) == before - 1
        assert await ask(shared, ("ECHO", "b")) == [b"b"]

    use(redis_url, work)


def test_what_is_under_way_ends_with_the_connection(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(shared: SharedConnection) -> None:
        before = clients(connection)
        waiting = asyncio.ensure_future(ask(shared, ("BLPOP", "nothing", 60)))
        await asyncio.sleep(0.1)
        await shared.close()
        with pytest.raises(RedisConnectionError):
            await waiting
        assert clients(connection) == before

    use(redis_url, work)


def test_a_missing_redis_is_an_error_for_all(tmp_path: Path) -> None:
    async def work(shared: SharedConnection) -> None:
        asked = [ask(shared, ("PING",)) for _ in range(3)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, RedisError) for answer in answers)
        with pytest.raises(RedisError):
            await ask(shared, ("PING",))

    use(f"unix://{tmp_path}/no.sock", work)
