"""What Redis answers, parsed as it arrives.

redis-py reads through a stream: bytes into its buffer and out again, and a few coroutines for each
answer, which took a tenth of the front end's work for a photo. Here they go to hiredis at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import hiredis
from redis.asyncio.connection import AbstractConnection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

NONE_YET: Final = object()


class Answers(asyncio.Protocol):
    """Stands before the protocol of redis-py's stream, which goes on to write and to close.

    ``lost`` is done when the connection is, and when nobody reads its answers any more.
    """

    def __init__(self, stream: Any, take: Callable[[Any], None]) -> None:
        self._stream = stream
        self._take = take
        self._reader = hiredis.Reader(replyError=DefaultParser.parse_error, notEnoughData=NONE_YET)
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Take each answer that is complete; errors are exceptions among them."""
        # A transport that is closing may go on to read, TLS until all has been written. Whoever asked
        # has been told already: this would be taken for what the next connection answers.
        if self.lost.done():
            return
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not NONE_YET:
                if not isinstance(answer, hiredis.PushNotification):
                    self._take(answer)
        except (hiredis.HiredisError, RedisError) as error:
            self.lost.set_exception(RedisConnectionError(f"What Redis says can't be: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits, and the stream."""
        if not self.lost.done():
            self.lost.set_result(None)
        self._stream.connection_lost(exc)

    def pause_writing(self) -> None:
        """Let the stream's writer wait."""
        self._stream.pause_writing()

    def resume_writing(self) -> None:
        """Let the stream's writer go on."""
        self._stream.resume_writing()


def attach(connection: AbstractConnection, take: Callable[[Any], None]) -> Answers | None:
    """Hand all further answers of an open connection to ``take``.

    None where redis-py keeps its transport elsewhere than it does now: then it must read itself.
    """
    transport = getattr(getattr(connection, "_writer", None), "transport", None)
    if transport is None or transport.is_closing():
        return None
    answers = Answers(transport.get_protocol(), take)
    transport.set_protocol(answers)
    return answers
