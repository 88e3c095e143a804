"""A process of its own for a decoder that is no program: it may hang or die, and is started anew."""

import multiprocessing
import resource
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from bench.formats.decoders import DECODERS, Pixels, RefusedError

TIMEOUT_S: Final = 90.0
GRACE_S: Final = 0.5
ADDRESS_SPACE_BYTES: Final = 8 << 30


class DecoderProcess:
    """Runs one decoder of DECODERS, with limits on time and memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start()

    def start(self) -> None:
        """Start a fresh process."""
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(self.name, other))
        self.process.start()
        other.close()

    def decode(self, path: Path) -> Pixels:
        """Return the pixels of a file.

        Raises:
            RefusedError: when the decoder refuses it, hangs or dies.
        """
        self.connection.send(path)
        reason = "hangs"
        try:
            if self.connection.poll(TIMEOUT_S):
                reply: Pixels | RefusedError = self.connection.recv()
                if isinstance(reply, RefusedError):
                    raise reply
                return reply
        except (EOFError, ConnectionResetError):
            reason = "dies"
        self.stop()
        self.start()
        raise RefusedError(reason)

    def stop(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.join(GRACE_S)
        self.process.kill()
        self.process.join()


def serve(name: str, connection: Connection) -> None:
    """Decode the files whose paths come through a pipe, until it closes."""
    # Chromium reserves far more address space than it uses.
    if name != "Chromium":
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    decode = DECODERS[name]
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        try:
            connection.send(decode(path))
        except RefusedError as error:
            connection.send(error)
        except Exception as error:  # noqa: BLE001  a fault of the decoder is what is looked for
            connection.send(RefusedError(f"fails: {type(error).__name__}: {error}"))
