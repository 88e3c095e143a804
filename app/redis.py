"""One connection to Redis that all requests share.

A pool gives every command under way a connection of its own; taking it, watching its time and
giving it back cost the front end more than everything between. Here whatever is asked for in one
turn of the event loop goes out in one write, and answers come back in the order of commands.
"""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.cancellation import end
from app.redis_answers import attach

# Most pictures come in one piece.
READ_BYTES: Final = 256 * 1024
# How often it is looked whether Redis still answers.
WATCH_INTERVAL_S: Final = 1.0


Argument = str | bytes | int | float


class Script:
    """A Lua script, which Redis knows by its hash once it has run it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def pack(*arguments: Argument) -> bytes:
    """Return one command as it goes to Redis."""
    packed: bytes = hiredis.pack_command(arguments)  # type: ignore[arg-type]  # "tuples of one"
    return packed


class Exchange:
    """Commands under way, and the answers to them that have come so far."""

    def __init__(self, packed: Sequence[bytes], count: int) -> None:
        self.packed = packed  # until they go out
        self.count = count
        self.answers: list[Any] = []
        self.done: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()


class SharedConnection:
    """Connects when it is first used, and anew when it was cut."""

    def __init__(self, redis_url: str, *, timeout_s: float) -> None:
        # Without a timeout of its own for each read and write, which would take a timer and a task.
        self._client = Redis.from_url(
            redis_url,
            socket_timeout=None,
            socket_connect_timeout=timeout_s,
            socket_read_size=READ_BYTES,
        )
        self._timeout_s = timeout_s
        self._unsent: list[Exchange] = []
        self._something_unsent = asyncio.Event()
        self._open: deque[Exchange] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._is_late = False
        self._is_closed = False

    async def close(self) -> None:
        """Give up what is under way and close the connection."""
        self._is_closed = True
        if self._serving is not None:
            await end(self._serving)
        await self._client.aclose()

    async def execute(
        self, packed: Sequence[bytes], count: int, *, again: bool = True
    ) -> list[Any]:
        """Return the answers to ``packed``: ``count`` commands as ``pack`` returns them.

        Whoever is cancelled meanwhile takes nothing from others, and leaves nothing that is still to
        be sent. What was under way when the connection was cut is asked for once more, as redis-py
        does it, unless ``again`` is False.

        Raises:
            RedisError: the first among the answers, or the reason why there are none.
        """
        try:
            answers = await self._ask(packed, count)
        except RedisConnectionError:
            if not again or self._is_closed:
                raise
            answers = await self._ask(packed, count)
        for answer in answers:
            # A transaction's answers are in that to its EXEC.
            for one in answer if isinstance(answer, list) else (answer,):
                if isinstance(one, RedisError):
                    raise one
        return answers

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Return what a script returns; raises RedisError as ``execute`` does."""
        given = (len(keys), *keys, *arguments)
        try:
            (answer,) = await self.execute([pack("EVALSHA", script.sha, *given)], 1)
        except NoScriptError:
            (answer,) = await self.execute([pack("EVAL", script.text, *given)], 1)
        return answer

    async def _ask(self, packed: Sequence[bytes], count: int) -> list[Any]:
        exchange = Exchange(packed, count)
        self._open.append(exchange)
        self._unsent.append(exchange)
        self._something_unsent.set()
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="shared connection")
        try:
            return await exchange.done
        except asyncio.CancelledError:
            # While Redis takes nothing, uploads whose clients have left would pile up here.
            if exchange in self._unsent:
                self._unsent.remove(exchange)
                self._open.remove(exchange)
            raise

    async def _serve(self) -> None:
        """Send and receive until the connection fails, and then fail what is under way."""
        failure: RedisError = RedisConnectionError("The connection was closed.")
        watching = asyncio.create_task(self._watch(asyncio.current_task()))
        try:
            await self._exchange()
        except RedisError as error:
            failure = error
        except OSError as error:
            failure = RedisConnectionError(str(error))
        except asyncio.CancelledError:
            if not self._is_late:
                raise
            failure = RedisTimeoutError("Redis does not answer.")
        finally:
            self._serving, self._is_late = None, False
            failed, self._open = self._open, deque()
            self._unsent.clear()
            for exchange in failed:
                if not exchange.done.done():
                    exchange.done.set_exception(failure)
            watching.cancel()

    async def _exchange(self) -> None:
        pool = self._client.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        sending = asyncio.create_task(self._send(connection))
        try:
            await self._receive(connection)
        finally:
            await end(sending)
            await connection.disconnect(nowait=True)
            await pool.release(connection)

    async def _send(self, connection: AbstractConnection) -> None:
        with contextlib.suppress(RedisError):  # closes the connection, which the receiver sees
            while True:
                await self._something_unsent.wait()
                self._something_unsent.clear()
                await connection.send_packed_command(self._take_unsent(), check_health=False)

    def _take_unsent(self) -> list[bytes]:
        unsent, self._unsent = self._unsent, []
        packed = [part for exchange in unsent for part in exchange.packed]
        for exchange in unsent:
            exchange.packed = ()
        return packed

    async def _receive(self, connection: AbstractConnection) -> None:
        answers = attach(connection, self._take)
        if answers is not None:
            await answers.lost
            raise RedisConnectionError("The connection was lost.")
        while True:
            try:
                self._take(await connection.read_response())
            except ResponseError as error:
                self._take(error)

    def _take(self, answer: Any) -> None:
        if not self._open:
            raise RedisConnectionError("an answer that nobody has asked for")
        exchange = self._open[0]
        exchange.answers.append(answer)
        if len(exchange.answers) == exchange.count:
            self._open.popleft()
            if not exchange.done.done():  # else whoever asked has gone
                exchange.done.set_result(exchange.answers)

    async def _watch(self, serving: "asyncio.Task[None] | None") -> None:
        """Cut a connection whose next answer is waited for too long, however often it takes.

        Looks are counted, not seconds: a process that was stopped for a while finds its answers.
        """
        first, seen = None, 0
        while serving is not None:
            await asyncio.sleep(WATCH_INTERVAL_S)
            seen = seen + 1 if self._open and self._open[0] is first else 0
            first = self._open[0] if self._open else None
            if seen * WATCH_INTERVAL_S >= self._timeout_s:
                self._is_late = True
                serving.cancel()
