"""Has OpenJPEG encode in a process of its own: through Pillow it holds the interpreter lock."""

import atexit
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError, InternalError, UnsupportedImageError
from worker.image.confined.decoder import Processes
from worker.image.confined.openjpeg import NAME, pack
from worker.image.confined.protocol import Request

MODULE: Final = "worker.image.confined.openjpeg"
# OpenJPEG takes 53 bytes for a pixel, and pixels are copied.
FREE_BYTES, BYTES_PER_PIXEL = 128 * 1024 * 1024, 96
# Twenty times what a photo takes: its priority is low.
FREE_S, S_PER_PIXEL = 20.0, 1e-5
FAILED_DETAIL: Final = "The photo can't be encoded as a JP2 file."


class Encoder:
    """Encodes photos."""

    def __init__(self, free_s: float = FREE_S, module: str = MODULE) -> None:
        """Start no process of ``module`` yet. A photo may take ``free_s`` and a time by its pixels."""
        self._free_s = free_s
        self._processes = Processes(module)

    def save(
        self,
        pixels: NDArray[np.uint8],
        options: Mapping[str, Any],
        check: Callable[[], None] = lambda: None,
    ) -> bytes:
        """Return the file that Pillow saves a photo, (h, w, 3) or (h, w), to.

        What ``check`` raises meanwhile ends the encode. The process has the caller's priority.

        Raises:
            OSError: when the library can't encode the photo.
            InternalError: when no process can be started, when it dies, or when it takes too long.
        """
        count = pixels.shape[0] * pixels.shape[1]
        limit_s = self._free_s + count * S_PER_PIXEL
        request = Request(
            NAME,
            count,
            memory_bytes=FREE_BYTES + count * BYTES_PER_PIXEL,
            cpu_s=int(limit_s),
            wall_s=int(limit_s),
        )
        try:
            file = self._processes.ask(request, pack(pixels, options), limit_s, check)
        except (UnsupportedImageError, CorruptImageError) as error:
            raise InternalError(FAILED_DETAIL) from error
        assert isinstance(file, bytes)
        if not file:
            raise OSError(FAILED_DETAIL)
        return file

    def close(self) -> None:
        """End the processes that have nothing to do."""
        self._processes.close()


ENCODER: Final = Encoder()
atexit.register(ENCODER.close)
