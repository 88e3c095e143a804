"""Redis clients of the front end and the supervisor, and the Lua scripts that they run."""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import redis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry as SyncRetry
from redis.typing import EncodableT

# Limit of each wait of a command: for a free connection, for connecting, for each read and write.
SOCKET_TIMEOUT_S: Final = 10
# Each front end has at most this many connections for commands, and as many for exchanges.
MAX_CONNECTIONS: Final = 64
# Connections for what the health of a front end depends on.
HEALTH_CONNECTIONS: Final = 2
# Most photos arrive in one read.
READ_BYTES: Final = 256 * 1024


class FairConnectionPool(ConnectionPool):
    """A pool in which commands wait up to ``timeout`` seconds for a connection, in their order.

    In redis-py's blocking pool a new command may overtake one that waits, again and again.
    """

    def __init__(self, *, max_connections: int, timeout: float, **options: Any) -> None:
        super().__init__(max_connections=max_connections, **options)
        self._timeout_s = timeout
        self._places = asyncio.Semaphore(max_connections)

    async def get_connection(self, *_: Any, **__: Any) -> AbstractConnection:
        """Return a connection.

        Raises:
            ConnectionError: when there is none within the timeout, or Redis can't be reached.
        """
        if self._places.locked():
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._places.acquire()
            except TimeoutError as error:
                raise RedisConnectionError("All connections were in use for too long.") from error
        else:
            await self._places.acquire()
        connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back; the command that has waited longest gets it."""
        try:
            await super().release(connection)
        finally:  # also when it is cancelled while a socket is closed
            self._places.release()


class ExchangePool(FairConnectionPool):
    """A pool for groups of commands that are sent together.

    A client of redis-py takes more CPU time for them: it has a timer for each response, and a task for
    each write.
    """

    async def exchange(self, *commands: tuple[EncodableT, ...]) -> list[Any]:
        """Send commands in one write and return their responses.

        Raises:
            RedisError: when Redis can't be reached, does not respond within the timeout, or refuses a
                command, also one between MULTI and EXEC.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                responses = await self._exchange(commands)
        except TimeoutError as error:
            raise RedisTimeoutError("Redis did not respond in time.") from error
        # EXEC responds with a list.
        for response in chain(responses, *(one for one in responses if isinstance(one, list))):
            if isinstance(response, RedisError):
                raise response
        return responses

    async def _exchange(self, commands: Sequence[tuple[EncodableT, ...]]) -> list[Any]:
        connection = await self.get_connection()
        try:
            return await connection.retry.call_with_retry(
                partial(_exchange_once, connection, commands), lambda _: connection.disconnect()
            )
        finally:
            await self.release(connection)


async def _exchange_once(
    connection: AbstractConnection, commands: Sequence[tuple[EncodableT, ...]]
) -> list[Any]:
    packed = connection.pack_commands(commands)
    await connection.send_packed_command(packed, check_health=False)
    responses = []
    for _ in commands:
        try:
            responses.append(await connection.read_response())
        except ResponseError as error:
            responses.append(error)
    return responses


def connect(redis_url: str, *, timeout_s: float = SOCKET_TIMEOUT_S) -> Redis:
    """Return an asynchronous client for commands that do not block in Redis.

    A command that finds all connections in use waits for one. A command or pipeline whose connection
    is cut is sent once more: Redis may have executed it, so a repeat must do no harm and return the
    same. A command that times out is not sent again.
    """
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return _connect(redis_url, MAX_CONNECTIONS, timeout_s, retry)


def connect_health(redis_url: str) -> Redis:
    """Return an asynchronous client whose commands never wait for those of requests."""
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return _connect(redis_url, HEALTH_CONNECTIONS, SOCKET_TIMEOUT_S, retry)


def connect_exchange(
    redis_url: str, *, timeout_s: float = SOCKET_TIMEOUT_S, retries: int = 1
) -> ExchangePool:
    """Return a pool for exchanges of up to ``timeout_s``.

    An exchange whose connection is cut is sent again ``retries`` times, as by `connect`'s client. One
    that times out is not.
    """
    return ExchangePool.from_url(
        redis_url,
        max_connections=MAX_CONNECTIONS,
        timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        # The timeout is that of the exchange.
        socket_timeout=None,
        socket_read_size=READ_BYTES,
        retry=Retry(NoBackoff(), retries, supported_errors=(RedisConnectionError,)),
    )


def connect_sync(redis_url: str, *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Return a synchronous client, which RQ's classes need; it never retries.

    ``timeout_s`` limits connecting and each read and write.

    Raises:
        ValueError: when ``redis_url`` is not a Redis URL.
    """
    return redis.Redis.from_url(
        redis_url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=SyncRetry(NoBackoff(), 0),
    )


def register_script(client: Redis, path: Path) -> AsyncScript:
    """Return the Lua script in the file ``path``, ready to be called."""
    return client.register_script(path.read_text(encoding="utf-8"))


def _connect(redis_url: str, connections: int, timeout_s: float, retry: Retry) -> Redis:
    pool = FairConnectionPool.from_url(
        redis_url,
        max_connections=connections,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        socket_read_size=READ_BYTES,
        retry=retry,
    )
    return Redis.from_pool(pool)
