"""The rival LitServe: uvicorn, a queue, and worker processes that form batches."""

import argparse
from typing import Annotated, Any

import litserve
from fastapi import Body, Response

from bench.service.servers.compressor import (
    MAX_WAIT_MS,
    Compressor,
    choose_batch_size,
    count_workers,
)


class Compress(litserve.LitAPI):
    """Compresses batches."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Load the model in the worker."""
        self._compressor = Compressor()

    def decode_request(self, request: Annotated[bytes, Body()]) -> bytes:
        """Return the body unchanged."""
        return request

    def predict(self, batch: list[bytes]) -> list[bytes]:
        """Compress a batch."""
        return self._compressor.compress(batch)

    def encode_response(self, output: bytes) -> Response:
        """Return the JPEG as a response."""
        return Response(output, media_type="image/jpeg")


def main() -> None:
    """Serve on --address and --port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    api: Any = Compress(
        max_batch_size=choose_batch_size(), batch_timeout=MAX_WAIT_MS / 1e3, api_path="/compress"
    )
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=count_workers(), timeout=120, fast_queue=True
    )
    server.run(
        host=arguments.address,
        port=arguments.port,
        generate_client_file=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
