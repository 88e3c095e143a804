"""Lines for whoever runs a worker, on standard error."""

import os

STDERR = 2


def say(line: str) -> None:
    """Write a line, unbuffered: a signal handler may interrupt a buffered write, which then fails."""
    os.write(STDERR, f"foveate: {line}\n".encode())
