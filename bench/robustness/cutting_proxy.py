"""A proxy in front of Redis that cuts connections at chosen commands, before or after they are executed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, Self

READ_BYTES: Final = 256 * 1024
BLOCKING: Final = (b"BLMPOP", b"BLMOVE")

Cut = Literal["before", "after"]
"""Cut the connection before Redis gets a command, or after it has executed it."""

ChooseCut = Callable[[list[bytes]], Cut | None]
"""Gets each command with its arguments; returns whether and when to cut its connection."""


def cut_nothing(_: list[bytes]) -> Cut | None:
    """Pass a command on."""
    return None


class CuttingProxy:
    """Forwards the connections of a unix socket to that of a Redis server, in a thread of its own.

    ``choose`` may be replaced at any time. It is called in that thread. A connection that is cut after a
    command is closed without the reply.
    """

    def __init__(self, path: Path, server: Path) -> None:
        """Listen at ``path``; ``server`` is the path of the server's socket."""
        self.choose: ChooseCut = cut_nothing
        self.url = f"unix://{path}?db=0"
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._listener = self._loop.run_until_complete(asyncio.start_unix_server(self._serve, path))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and stop listening."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            replies, server = await asyncio.open_unix_connection(self._server)
        except OSError:
            client.close()
            return
        link = Link(client)
        forwarding = asyncio.ensure_future(link.forward_replies(replies))
        try:
            await self._forward_commands(reader, server, link, forwarding)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            forwarding.cancel()
            client.transport.abort()
            server.transport.abort()

    async def _forward_commands(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        link: "Link",
        forwarding: "asyncio.Future[None]",
    ) -> None:
        async for command, words in read_commands(reader):
            cut = self.choose(words)
            if cut == "before":
                return
            link.is_cut |= cut == "after"
            server.write(command)
            await server.drain()
            if cut == "after" and words[0].upper() not in BLOCKING:
                # Redis executes what it has received, then closes the connection.
                server.write_eof()
                await forwarding
                return


class Link:
    """The way of replies to one client; once ``is_cut`` is set, the next reply ends it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.is_cut = False
        self._client = client

    async def forward_replies(self, replies: asyncio.StreamReader) -> None:
        """Forward replies until the server closes the connection."""
        with suppress(OSError):
            while data := await replies.read(READ_BYTES):
                if self.is_cut:
                    self._client.transport.abort()
                else:
                    self._client.write(data)
                    await self._client.drain()
        self._client.close()


async def read_commands(
    reader: asyncio.StreamReader,
) -> AsyncIterator[tuple[bytes, list[bytes]]]:
    """Yield each command: its bytes in RESP, and its words."""
    received = bytearray()
    while data := await reader.read(READ_BYTES):
        received += data
        while (end := find_end(received)) is not None:
            size, words = end
            yield bytes(received[:size]), words
            del received[:size]


def find_end(received: bytearray) -> tuple[int, list[bytes]] | None:
    """Return the size and the words of the first command in ``received``, None if it is incomplete."""
    at = received.find(b"\r\n")
    if at < 0:
        return None
    words = []
    for _ in range(int(received[1:at])):
        head = at + 2
        at = received.find(b"\r\n", head)
        if at < 0:
            return None
        start = at + 2
        at = start + int(received[head + 1 : at])
        if len(received) < at + 2:
            return None
        words.append(bytes(received[start:at]))
    return at + 2, words
