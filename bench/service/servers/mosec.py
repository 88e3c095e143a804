"""The rival mosec: a server in Rust, and worker processes that form batches."""

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
        """Return the body unchanged."""
        return data

    def serialize(self, data: bytes) -> bytes:
        """Return the JPEG unchanged."""
        return data

    def forward(self, data: Any) -> Any:
        """Compress a batch."""
        return self._compressor.compress(data)


def main() -> None:
    """Serve on --address and --port, which mosec reads itself."""
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
