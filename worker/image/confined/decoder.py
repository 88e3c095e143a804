"""Has uploads decoded by confined processes, which start when they are needed and end with the worker."""

import atexit
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, NoReturn, cast

from contract.errors import (
    ClientError,
    CorruptImageError,
    InternalError,
    UnsupportedImageError,
)
from contract.image_headers.read import ImageHeader
from worker.image.confined.protocol import (
    READING,
    READY,
    TOO_LONG,
    Answer,
    GarbledAnswerError,
    Request,
    read_answer,
)
from worker.image.confined.sandbox import Measure
from worker.image.samples import StoredPhoto

log = logging.getLogger(__name__)

MODULE: Final = "worker.image.confined"
ROOT: Final = Path(__file__).resolve().parents[3]
# No setting of the worker, which may be a secret. One arena and one thread: address space is limited.
ENVIRONMENT: Final = {
    "PATH": os.defpath,
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}

# A pixel of four channels at 16 bits has 8 bytes; libraries and readers may hold six copies of it.
FREE_BYTES, BYTES_PER_PIXEL = 96 * 1024 * 1024, 48
# More than ten times what a photo takes (`python -m bench heic`): workers share cores, and some are slower.
FREE_S, S_PER_PIXEL = 10, 2e-6
# The rest of the time may be spent waiting for a core.
CPU_SHARE: Final = 0.5
TOO_LONG_DETAIL: Final = "Decoding the image takes too long."
NOT_STARTED_DETAIL: Final = "The image's decoder can't be started."
# How often a process whose answer may no longer be wanted is looked at.
CHECK_INTERVAL_MS: Final = 200


class Decoder:
    """Decodes uploads."""

    def __init__(self, free_s: float = FREE_S, module: str = MODULE) -> None:
        """Start no process of ``module`` yet. An upload may take ``free_s`` and a time by its pixels."""
        self._free_s = free_s
        self._processes = Processes(module)
        self._refused: dict[str, str] = {}

    def refuse(self, format_name: str, detail: str) -> None:
        """Let `read` raise UnsupportedImageError with ``detail`` for a format."""
        self._refused[format_name] = detail

    def read(self, data: bytes, header: ImageHeader, max_pixels: int) -> StoredPhoto:
        """Return the photo in ``data``, of at most ``max_pixels``.

        Raises:
            UnsupportedImageError: when its reader says so, or when it takes too long.
            CorruptImageError: when its reader says so, or when the process dies over it.
            InternalError: when no process can be started. One that dies before it reads ``data``, as an
                idle one may, is replaced once.
        """
        if detail := self._refused.get(header.format):
            raise UnsupportedImageError(detail)
        pixels = header.width_px * header.height_px
        wall_s = self._free_s + pixels * S_PER_PIXEL
        request = Request(
            header.format,
            max_pixels,
            memory_bytes=FREE_BYTES + 2 * len(data) + pixels * BYTES_PER_PIXEL,
            cpu_s=max(1, int(wall_s * CPU_SHARE)),
            wall_s=max(1, int(wall_s)),
        )
        answer = self._processes.ask(request, data, wall_s)
        assert isinstance(answer, StoredPhoto)
        return answer

    def close(self) -> None:
        """End the processes that have nothing to do."""
        self._processes.close()


class Processes:
    """The processes of a module: each thread that calls `ask` at the same time has one of its own."""

    def __init__(self, module: str) -> None:
        """Start none yet."""
        self._module = module
        self._lock = threading.Lock()
        self._idle: list[ConfinedProcess] = []

    def ask(
        self,
        request: Request,
        data: bytes,
        limit_s: float,
        check: Callable[[], None] | None = None,
    ) -> StoredPhoto | bytes:
        """Return the answer to a request; an error is raised.

        What ``check`` raises while the process works ends the process.

        Raises:
            UnsupportedImageError: when the process says so, or when it takes longer than ``limit_s``.
            CorruptImageError: when the process says so, or when it dies over it.
            InternalError: when no process can be started. One that dies before it reads ``data``, as an
                idle one may, is replaced once.
        """
        process = self._take()
        try:
            try:
                answer = process.ask(request, data, limit_s, check)
            except InternalError:
                process.end()
                process = ConfinedProcess(self._module)
                answer = process.ask(request, data, limit_s, check)
        except BaseException:
            process.end()
            raise
        with self._lock:
            self._idle.append(process)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    def _take(self) -> "ConfinedProcess":
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is None:
                return ConfinedProcess(self._module)
            if process.is_alive():
                return process
            process.end()

    def close(self) -> None:
        """End the processes that have nothing to do."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()


class ConfinedProcess:
    """A confined process, with its pipes."""

    def __init__(self, module: str) -> None:
        """Start it.

        Raises:
            InternalError: when the machine can't.
        """
        self._is_ready = self._has_upload = False
        self._measures: list[Measure] | None = None
        self._check: Callable[[], None] | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Libraries print what they find in an upload.
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=ENVIRONMENT,
                cwd=ROOT,
                # A group that can be killed with the child that decodes, and that Ctrl-C leaves alone.
                start_new_session=True,
            )
        except OSError as error:
            raise InternalError(NOT_STARTED_DETAIL) from error
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    def is_alive(self) -> bool:
        """Return whether the process waits for a request."""
        return self._process.poll() is None

    def ask(
        self,
        request: Request,
        data: bytes,
        limit_s: float,
        check: Callable[[], None] | None = None,
    ) -> Answer:
        """Return the answer to a request. If this raises anything, `end` the process.

        ``check`` is called from time to time while the process works.

        Raises:
            UnsupportedImageError: when there is none after ``limit_s``.
            CorruptImageError: when the process dies over it.
            InternalError: when the process dies before it reads ``data``.
        """
        late = threading.Event()
        self._check = check

        def give_up() -> None:
            late.set()
            self._kill()

        timer = threading.Timer(limit_s, give_up)
        timer.start()
        try:
            answer, measures = self._ask(request, data)
        except (OSError, EOFError, GarbledAnswerError) as error:
            self._explain(error, is_late=late.is_set(), format_name=request.format)
        finally:
            timer.cancel()
            timer.join()
        if late.is_set():
            raise UnsupportedImageError(TOO_LONG_DETAIL)
        if measures != self._measures:
            self._measures = measures
            log.info("%s photos are processed under: %s", request.format, ", ".join(measures))
        return answer

    def _ask(self, request: Request, data: bytes) -> tuple[Answer, list[Measure]]:
        self._has_upload = False
        if not self._is_ready:
            self._expect(READY)
            self._is_ready = True
        self._write(request.pack(len(data)))
        self._expect(READING)
        self._has_upload = True
        self._write(data)
        return read_answer(self._read_into, request.max_pixels)

    def _explain(self, error: Exception, *, is_late: bool, format_name: str) -> NoReturn:
        """Raise the error that clients see."""
        self._kill()
        status = self._process.wait()
        if is_late or status == TOO_LONG:
            raise UnsupportedImageError(TOO_LONG_DETAIL) from error
        log.warning("the process of a %s photo ended with status %d", format_name, status)
        if not self._has_upload:
            raise InternalError(NOT_STARTED_DETAIL) from error
        raise CorruptImageError("The image makes its decoder fail.") from error

    def _expect(self, byte: bytes) -> None:
        if self._answers.read(1) != byte:
            raise EOFError

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._requests.write(rest) :]

    def _read_into(self, target: memoryview) -> None:
        while target:
            self._wait()
            count = self._answers.readinto(target)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            target = target[count:]

    def _wait(self) -> None:
        """Wait until there is an answer, or until the check raises something."""
        if self._check is None:
            return
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while not poll.poll(CHECK_INTERVAL_MS):
            self._check()

    def _kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and the child that decodes, if any."""
        if self._process.returncode is None:
            self._kill()
        self._requests.close()
        self._answers.close()
        self._process.wait()


DECODER: Final = Decoder()
atexit.register(DECODER.close)
