"""``python -m worker.image.confined``: decode uploads from stdin, each in a confined child process.

`worker.image.confined.openjpeg` serves photos to encode in the same way.

This process has the libraries and never sees an upload. A child ends with its upload, and so does its
memory, whatever the upload has done to it.
"""

import gc
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from contract.errors import ClientError, UnsupportedImageError
from worker.image.confined.protocol import (
    READING,
    READY,
    REQUEST,
    TOO_LONG,
    Request,
    write_error,
    write_file,
    write_photo,
)
from worker.image.confined.readers import MODULES
from worker.image.confined.sandbox import confine, end_with_parent
from worker.image.samples import StoredPhoto

Readers = Mapping[str, Callable[[bytes], StoredPhoto | bytes]]

STDIN, STDOUT, STDERR = 0, 1, 2
# Of the limit on CPU time, and of the alarm.
TIME_SIGNALS = frozenset({signal.SIGXCPU, signal.SIGALRM})


def main(readers: Readers) -> int:
    """Serve requests until stdin ends, or until one of them kills its child."""
    # Libraries may print; nothing they print gets into an answer.
    answers = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    # Children would copy the memory of each object that their garbage collector looks at.
    gc.freeze()
    parent = os.getpid()
    write_all(answers, READY)
    while header := read_up_to(REQUEST.size):
        child = os.fork()
        if child == 0:
            os._exit(serve(header, answers, readers, parent))
        if is_abandoned(child, answers):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if status:
            is_late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in TIME_SIGNALS
            return TOO_LONG if is_late else 1
    return 0


def is_abandoned(child: int, answers: int) -> bool:
    """Wait until a child ends, or until nobody can read its answer any more; return which.

    A child that is stopped gets no alarm. Where the system has no such file for a child, return at once.
    """
    try:
        ended = os.pidfd_open(child)
    except (AttributeError, OSError):
        return False
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    # Errors are always reported.
    poll.register(answers, 0)
    ready = dict(poll.poll())
    os.close(ended)
    return ended not in ready


def load_readers() -> Readers:
    """Return the readers whose libraries are installed."""
    readers = {}
    for name, module in MODULES.items():
        try:
            readers[name] = import_module(module).read
        except ImportError:
            continue
    return readers


def serve(header: bytes, answers: int, readers: Readers, parent: int) -> int:
    """Confine this process, answer one request, and return the exit code."""
    try:
        request, length = Request.unpack(header)
        # Without a handler SIGALRM ends this process, also if it sleeps and its worker is gone.
        signal.alarm(request.wall_s)
        end_with_parent(parent)
        measures = confine(request.memory_bytes, request.cpu_s)

        def write(data: bytes | memoryview) -> None:
            write_all(answers, data)

        write(READING)
        data = read_up_to(length)
        try:
            if request.format not in readers:
                detail = f"This service is installed without a decoder for {request.format}."
                raise UnsupportedImageError(detail)
            answer = readers[request.format](data)
        except ClientError as error:
            write_error(error, measures, write)
        except MemoryError:
            too_large = UnsupportedImageError("Decoding the image takes too much memory.")
            write_error(too_large, measures, write)
        else:
            if isinstance(answer, bytes):
                write_file(answer, measures, write)
            else:
                write_photo(answer, measures, write)
    except BaseException:  # noqa: BLE001
        return 1
    return 0


def read_up_to(size: int) -> bytes:
    """Return ``size`` bytes of stdin, or fewer at its end."""
    pieces = []
    while size and (piece := os.read(STDIN, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def write_all(file: int, data: bytes | memoryview) -> None:
    """Write ``data``."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


if __name__ == "__main__":
    sys.exit(main(load_readers()))
