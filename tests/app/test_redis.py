"""Clients wait for connections, retry after a cut connection, and never after a timeout."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

import app.redis
from app.cancellation import end
from app.redis import (
    ExchangePool,
    connect,
    connect_exchange,
    connect_health,
    connect_sync,
    register_script,
)

Client = TypeVar("Client", Redis, ExchangePool)


def use(client: Callable[[], Client], work: Callable[[Client], Awaitable[Any]]) -> None:
    """Run ``work`` with a client or pool that is created inside the event loop."""

    async def run() -> None:
        async with client() as created:
            await work(created)

    asyncio.run(run())


def count_clients(connection: redis.Redis) -> int:
    return len(connection.client_list(_type="normal"))


def count_connections(connection: redis.Redis) -> int:
    """Return how many connections Redis has accepted since its start."""
    return int(connection.info("stats")["total_connections_received"])


def test_commands_beyond_the_last_connection_wait_for_one(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.redis, "MAX_CONNECTIONS", 2)

    async def work(client: Redis) -> None:
        before = count_clients(connection)
        texts = [str(number).encode() for number in range(50)]
        assert await asyncio.gather(*map(client.echo, texts)) == texts
        assert count_clients(connection) == before + 2

    use(lambda: connect(redis_url), work)


def test_commands_get_connections_in_the_order_in_which_they_asked(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.redis, "MAX_CONNECTIONS", 1)

    async def work(client: Redis) -> None:
        ended: list[int] = []

        async def poll(number: int) -> None:
            """Ask again as soon as there is a response, before those that wait wake up."""
            for _ in range(20):
                await client.echo("a")
            ended.append(number)

        async def ask_once(number: int) -> None:
            await client.echo("a")
            ended.append(number)

        pollers = [asyncio.ensure_future(poll(number)) for number in range(4)]
        await asyncio.sleep(0)
        await asyncio.gather(*pollers, *(ask_once(number) for number in range(10, 20)))
        assert ended == [*range(10, 20), *range(4)]

    assert connection.ping()
    use(lambda: connect(redis_url), work)


def test_a_command_waits_for_a_connection_within_its_timeout(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.redis, "MAX_CONNECTIONS", 1)

    async def work(client: Redis) -> None:
        held = await client.connection_pool.get_connection()
        with pytest.raises(RedisConnectionError, match="in use"):
            await client.echo("a")
        leaving = asyncio.ensure_future(client.echo("b"))
        await asyncio.sleep(0.05)
        await end(leaving)
        await client.connection_pool.release(held)
        assert await client.echo("d") == b"d"

    assert connection.ping()
    use(lambda: connect(redis_url, timeout_s=0.3), work)


def test_health_waits_for_no_other_command(
    redis_url: str, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.redis, "MAX_CONNECTIONS", 1)

    async def work(client: Redis) -> None:
        async with connect_health(redis_url) as health:
            held = asyncio.ensure_future(client.blpop(["nothing"], 5))
            await asyncio.sleep(0.05)
            assert await asyncio.wait_for(health.echo("a"), 2) == b"a"
            await end(held)

    assert connection.ping()
    use(lambda: connect(redis_url), work)


def test_a_cut_connection_is_opened_again(redis_url: str, connection: redis.Redis) -> None:
    async def work(client: Redis) -> None:
        assert await client.echo("a") == b"a"
        connection.client_kill_filter(_type="normal", skipme=True)
        assert await client.echo("b") == b"b"
        waiting = asyncio.ensure_future(client.blpop(["list"], 5))
        await asyncio.sleep(0.1)
        connection.client_kill_filter(_type="normal", skipme=True)
        connection.rpush("list", "c")
        assert await waiting == (b"list", b"c")

    use(lambda: connect(redis_url), work)


def test_an_exchange_without_repeats_reports_a_cut_connection(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(pool: ExchangePool) -> None:
        waiting = asyncio.ensure_future(pool.exchange(("BLPOP", "list", 5)))
        await asyncio.sleep(0.1)
        connection.client_kill_filter(_type="normal", skipme=True)
        with pytest.raises(RedisConnectionError):
            await waiting
        connection.rpush("list", "c")
        assert await pool.exchange(("BLPOP", "list", 5)) == [[b"list", b"c"]]

    use(lambda: connect_exchange(redis_url, retries=0), work)


def test_a_command_that_times_out_is_not_sent_again(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(client: Redis) -> None:
        before = count_connections(connection)
        with pytest.raises(RedisTimeoutError):
            await client.blpop(["nothing"], 60)
        assert count_connections(connection) == before + 1
        assert await client.echo("a") == b"a"

    use(lambda: connect(redis_url, timeout_s=0.1), work)


def test_cancelling_a_command_takes_nothing_from_others(redis_url: str) -> None:
    async def work(client: Redis) -> None:
        leaving = asyncio.ensure_future(client.blpop(["nothing"], 5))
        await asyncio.sleep(0.1)
        staying = asyncio.ensure_future(client.echo("a"))
        await end(leaving)
        assert await staying == b"a"
        assert await client.echo("b") == b"b"

    use(lambda: connect(redis_url), work)


def test_cancelling_the_return_of_a_connection_takes_no_place(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.redis, "MAX_CONNECTIONS", 1)

    async def work(client: Redis) -> None:
        connection = await client.connection_pool.get_connection()
        connection.mark_for_reconnect()  # its return waits until the socket is closed
        returning = asyncio.ensure_future(client.connection_pool.release(connection))
        await asyncio.sleep(0)
        await end(returning)
        assert returning.cancelled()
        assert await client.echo("a") == b"a"

    use(lambda: connect(redis_url), work)


def test_an_exchange_returns_the_response_to_each_command(redis_url: str) -> None:
    async def work(pool: ExchangePool) -> None:
        assert await pool.exchange(("SET", "a", b"x" * 10**6, "EX", 9), ("GET", "a")) == [
            b"OK",
            b"x" * 10**6,
        ]
        assert (await pool.exchange(("MULTI",), ("STRLEN", "a"), ("EXEC",)))[-1] == [10**6]

    use(lambda: connect_exchange(redis_url), work)


@pytest.mark.parametrize("refused", [("NONSENSE",), ("LPUSH", "text", "a")])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_an_exchange_raises_the_error_of_any_command(
    redis_url: str, connection: redis.Redis, refused: tuple[str, ...], *, in_transaction: bool
) -> None:
    connection.set("text", "b")
    commands = [("ECHO", "a"), refused, ("ECHO", "c")]
    if in_transaction:
        commands = [("MULTI",), *commands, ("EXEC",)]

    async def work(pool: ExchangePool) -> None:
        before = count_connections(connection)
        with pytest.raises(ResponseError, match=r"unknown command|wrong kind"):
            await pool.exchange(*commands)
        assert await pool.exchange(("ECHO", "d")) == [b"d"]
        assert count_connections(connection) == before + 1

    use(lambda: connect_exchange(redis_url), work)


def test_an_exchange_is_sent_again_when_its_connection_is_cut(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(pool: ExchangePool) -> None:
        waiting = asyncio.ensure_future(
            pool.exchange(("INCR", "count"), ("BLPOP", "list", 5), ("ECHO", "a"))
        )
        await asyncio.sleep(0.1)
        connection.client_kill_filter(_type="normal", skipme=True)
        connection.rpush("list", "b")
        assert await waiting == [2, [b"list", b"b"], b"a"]

    use(lambda: connect_exchange(redis_url), work)


def test_an_exchange_that_times_out_or_is_cancelled_leaves_no_response_to_others(
    redis_url: str, connection: redis.Redis
) -> None:
    async def work(pool: ExchangePool) -> None:
        with pytest.raises(RedisTimeoutError):
            await pool.exchange(("INCR", "count"), ("BLPOP", "nothing", 60))
        assert await pool.exchange(("ECHO", "a")) == [b"a"]
        leaving = asyncio.ensure_future(pool.exchange(("BLPOP", "nothing", 60)))
        await asyncio.sleep(0.05)
        await end(leaving)
        assert await pool.exchange(("ECHO", "b")) == [b"b"]

    assert connection.ping()
    use(lambda: connect_exchange(redis_url, timeout_s=0.3), work)
    assert connection.get("count") == b"1"


def test_an_exchange_with_a_redis_that_accepts_and_says_nothing_times_out(tmp_path: Path) -> None:
    async def work(pool: ExchangePool) -> None:
        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_unix_server(say_nothing, tmp_path / "silent.sock"):
            for _ in range(2):
                with pytest.raises(RedisTimeoutError):
                    await pool.exchange(("ECHO", "a"))
            await pool.aclose()

    use(lambda: connect_exchange(f"unix://{tmp_path}/silent.sock", timeout_s=0.2), work)


def test_a_missing_redis_is_an_error_for_every_command(tmp_path: Path) -> None:
    async def work(client: Redis) -> None:
        pings = [client.echo("a") for _ in range(3)]
        results = await asyncio.gather(*pings, return_exceptions=True)
        assert all(isinstance(result, RedisError) for result in results)

    use(lambda: connect(f"unix://{tmp_path}/no.sock"), work)


def test_a_script_is_loaded_again_after_redis_lost_it(
    redis_url: str, connection: redis.Redis, tmp_path: Path
) -> None:
    path = tmp_path / "add.lua"
    path.write_text("return ARGV[1] + ARGV[2]")

    async def work(client: Redis) -> None:
        add = register_script(client, path)
        for _ in range(2):
            assert await add(args=[1, 2]) == 3
            connection.script_flush()

    use(lambda: connect(redis_url), work)


def test_the_synchronous_client_sends_no_command_again(
    redis_url: str, connection: redis.Redis
) -> None:
    before = count_connections(connection)
    with connect_sync(redis_url, timeout_s=0.1) as client:
        with pytest.raises(RedisTimeoutError):
            client.blpop(["nothing"], 60)
        assert count_connections(connection) == before + 1
        assert client.ping()


def test_an_invalid_url_is_an_error() -> None:
    with pytest.raises(ValueError, match="scheme"):
        connect_sync("http://localhost")
