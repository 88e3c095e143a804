"""The rival mosec: a server in Rust, one batching worker process behind it, or several."""

from typing import Any

from mosec import Server, Worker

from bench.service.servers.compressor import (
    MAX_WAIT_MS,
    Compressor,
    choose_batch_size,
    count_workers,
)


class Compress(Worker):
    """Compresses batches."""

    resp_mime_type = "image/jpeg"

    def __init__(self) -> None:
        super().__init__()
        self._compressor = Compressor()

    def deserialize(self, data: bytes) -> bytes:
        """Take the body as it is."""
        return data

    def serialize(self, data: bytes) -> bytes:
        """Give the JPEG as it is."""
        return data

    def forward(self, data: Any) -> Any:
        """Compress what has been batched."""
        return self._compressor.compress(data)


def main() -> None:
    """Serve on mosec's own --address and --port."""
    server = Server()
    server.append_worker(
        Compress,
        num=count_workers(),
        max_batch_size=choose_batch_size(),
        max_wait_time=MAX_WAIT_MS,
        route="/compress",
    )
    server.run()


if __name__ == "__main__":
    main()
