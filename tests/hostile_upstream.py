"""An HTTP server on this machine whose paths name the ways in which it misbehaves."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

from PIL import Image

from tests.photos import file_of, photo

PHOTO = file_of(photo(), "JPEG")
MODIFIED = "Tue, 20 Oct 2026 10:00:00 GMT"

Write = Callable[[bytes], Awaitable[None]]


@dataclass
class HostileUpstream:
    """Serves on ``port`` of 127.0.0.1; ``requests`` are the heads that it received.

    ``abandoned`` are the paths whose responses the client did not read to their end.
    """

    port: int = 0
    requests: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Return the URL of one behaviour."""
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """The requested paths, in order."""
        return [head.split(" ")[1] for head in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request, then close the connection."""

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            path = head.split(" ")[1]
            try:
                await self.behave(path, write)
            except OSError:
                self.abandoned.append(path)
        writer.close()

    async def behave(self, path: str, write: Write) -> None:
        """Behave as ``path`` says."""
        name, _, argument = path.partition("?")[0].removeprefix("/").partition("/")
        if name == "redirect":
            location = unquote(argument, "latin-1").replace("PORT", str(self.port))
            await write(head_of(302, f"Location: {location}", length=0))
        elif name == "status":
            await write(head_of(int(argument), "Location: /photo.jpg", length=0))
        elif name == "loop":
            await write(head_of(301, "Location: /loop", length=0))
        elif name == "hops":
            left = int(argument)
            location = f"/hops/{left - 1}" if left > 1 else "/photo.jpg"
            await write(head_of(307, f"Location: {location}", length=0))
        elif name == "status":
            await write(head_of(int(argument), length=len(PHOTO)) + PHOTO)
        elif name == "announce":
            await write(head_of(200, length=int(argument)) + PHOTO)
        elif name == "body":
            body = BODIES[argument]
            await write(head_of(200, length=len(body)) + body)
        elif name == "headers":
            await write(head_of(200, HEADERS[argument], length=len(PHOTO)) + PHOTO)
        elif name == "odd":
            await plain(write)
        else:
            await STREAMS[name](write)


async def plain(write: Write) -> None:
    await write(head_of(200, f"Last-Modified: {MODIFIED}", length=len(PHOTO)) + PHOTO)


async def endless(write: Write) -> None:
    await write(head_of(200))
    while True:
        await write(bytes(65536))


async def endless_chunks(write: Write) -> None:
    await write(head_of(200, "Transfer-Encoding: chunked"))
    while True:
        await write(b"10000\r\n" + bytes(65536) + b"\r\n")


async def endless_head(write: Write) -> None:
    await write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await write(b"X-More: " + b"a" * 1000 + b"\r\n")


async def endless_interim(write: Write) -> None:
    while True:
        await write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.001)


async def drip(write: Write) -> None:
    await write(head_of(200, length=len(PHOTO)))
    for byte in PHOTO:
        await write(bytes([byte]))
        await asyncio.sleep(0.05)


async def silence(write: Write) -> None:
    await write(b"")
    await asyncio.sleep(60)


async def stall(write: Write) -> None:
    await write(head_of(200, length=len(PHOTO)) + PHOTO[:100])
    await asyncio.sleep(60)


async def nonsense(write: Write) -> None:
    await write(b"SSH-2.0-OpenSSH_9.9\r\n")


async def nothing(write: Write) -> None:
    await write(b"")


async def two_lengths(write: Write) -> None:
    await write(head_of(200, "Content-Length: 5", length=len(PHOTO)) + PHOTO)


async def two_places(write: Write) -> None:
    await write(head_of(302, "Location: /photo.jpg\r\nLocation: http://10.0.0.1/", length=0))


async def nowhere(write: Write) -> None:
    await write(head_of(302, length=0))


STREAMS: dict[str, Callable[[Write], Awaitable[None]]] = {
    "photo.jpg": plain,
    "endless": endless,
    "endless-chunks": endless_chunks,
    "endless-head": endless_head,
    "endless-interim": endless_interim,
    "drip": drip,
    "silence": silence,
    "stall": stall,
    "nonsense": nonsense,
    "nothing": nothing,
    "two-lengths": two_lengths,
    "two-places": two_places,
    "nowhere": nowhere,
}
BODIES = {
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "empty": b"",
    "cut": PHOTO[: len(PHOTO) // 2],
    "large": file_of(Image.new("L", (1001, 1000))),
}
HEADERS = {
    "gzip": "Content-Encoding: gzip",
    "aws-gzip": "Content-Encoding: aws-chunked, GZip",
    "two-encodings": "Content-Encoding: identity\r\nContent-Encoding: br",
    "empty-encoding": "Content-Encoding:",
    "identity": "Content-Encoding: Identity",
    "aws-chunked": "Content-Encoding: aws-chunked",
    "no-encodings": "Content-Encoding: aws-chunked, identity,\r\nContent-Encoding:",
    "no-store": "Cache-Control: no-store",
    "private": "Cache-Control: Private, max-age=500",
    "short": "Cache-Control: public, max-age=60",
    "shared": "Cache-Control: max-age=60, s-maxage=30",
    "long": "Cache-Control: max-age=999999999999",
    "no-cache": "Cache-Control: no-cache",
    "expired": "Expires: 0",
    "no-date": "Last-Modified: yesterday",
}


def head_of(status: int, *lines: str, length: int | None = None) -> bytes:
    """Return the head of a response, with the empty line at its end."""
    given = [f"HTTP/1.1 {status} Status", "Content-Type: image/jpeg", *lines]
    if length is not None:
        given.append(f"Content-Length: {length}")
    return ("\r\n".join(given) + "\r\n\r\n").encode("latin-1")


@contextmanager
def hostile_upstream() -> Iterator[HostileUpstream]:
    """Run the server in a separate thread."""
    upstream = HostileUpstream()
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def serve() -> asyncio.Server:
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        upstream.port = server.sockets[0].getsockname()[1]
        started.set()
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(serve())
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
