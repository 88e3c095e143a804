"""``python -m worker.image.confined.openjpeg``: let Pillow encode photos from stdin, each in a child process.

A request is `HEAD`, Pillow's options as JSON, and the pixels. The answer is the file; it is empty if
the library can't encode the photo.
"""

import io
import json
import struct
import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.image.confined.__main__ import main

NAME: Final = "JP2"
# Height and width in pixels, channels, bytes of the options.
HEAD: Final = struct.Struct(">IIII")


def pack(pixels: NDArray[np.uint8], options: Mapping[str, Any]) -> bytes:
    """Return a request for a photo, (h, w, 3) or (h, w)."""
    text = json.dumps(options).encode()
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else 3
    head = HEAD.pack(height, width, channels, len(text))
    return b"".join((head, text, np.ascontiguousarray(pixels).data))


def encode(request: bytes) -> bytes:
    """Return the file."""
    height, width, channels, length = HEAD.unpack_from(request)
    start = HEAD.size + length
    # Pillow ignores a list where it wants a tuple.
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(request[HEAD.size : start]).items()
    }
    mode = "L" if channels == 1 else "RGB"
    pixels = np.frombuffer(request, np.uint8, offset=start)
    image = Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)
    file = io.BytesIO()
    try:
        image.save(file, **options)
    except OSError:
        return b""
    return file.getvalue()


def load() -> None:
    """Load what the first encode would load: a confined process can't open files."""
    encode(pack(np.zeros((2, 2), np.uint8), {"format": "JPEG2000", "no_jp2": True}))


if __name__ == "__main__":
    load()
    sys.exit(main({NAME: encode}))
