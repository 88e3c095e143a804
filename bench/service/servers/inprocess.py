"""The simplest server: FastAPI, a queue of uploads, and one thread that compresses batches."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request, Response

from bench.service.servers.compressor import MAX_BATCH_SIZE, MAX_WAIT_MS, Compressor


@dataclass
class Waiting:
    """An upload and its future JPEG."""

    data: bytes
    jpeg: "asyncio.Future[bytes]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


def create_app() -> FastAPI:
    """Return the application."""
    compressor = Compressor()
    waiting: asyncio.Queue[Waiting] = asyncio.Queue()

    async def batch() -> None:
        while True:
            taken = [await waiting.get()]
            await asyncio.sleep(MAX_WAIT_MS / 1e3)
            while len(taken) < MAX_BATCH_SIZE and not waiting.empty():
                taken.append(waiting.get_nowait())
            jpegs = await asyncio.to_thread(compressor.compress, [upload.data for upload in taken])
            for upload, jpeg in zip(taken, jpegs, strict=True):
                upload.jpeg.set_result(jpeg)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(batch())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.post("/compress")
    async def compress(request: Request) -> Response:
        upload = Waiting(await request.body())
        waiting.put_nowait(upload)
        return Response(await upload.jpeg, media_type="image/jpeg")

    return app


def main() -> None:
    """Serve on --address and --port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvicorn.run(create_app(), host=arguments.address, port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
