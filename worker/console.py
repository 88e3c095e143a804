"""Messages to the person who runs a worker, on standard error."""

import os

STDERR = 2


def say(line: str) -> None:
    """Write a line without a buffer, since a signal handler calls this too.

    A handler that interrupts a buffered write can't use the same buffer.
    """
    os.write(STDERR, f"foveate: {line}\n".encode())
