"""Decoding an upload and encoding it with mozjpeg: what many would use instead of Foveate.

libvips runs mozjpeg as in ``bench rd``: with trellis, deringing and optimal tables, and with its own
choice of scans where they are progressive. Its files are not of the same size as Foveate's.
"""

import os
from collections.abc import Callable

from bench.encoders import MOZJPEG_TABLES, decode, find_missing, prepare_mozjpeg
from bench.service.servers.compressor import parse_settings


def load_mozjpeg(query: str) -> Callable[[bytes], bytes] | None:
    """Return a function that recompresses an upload on one thread; None if libvips is missing.

    Args:
        query: of ``/compress``; quality and scans are taken from it.
    """
    # libvips reads this when it is loaded.
    os.environ["VIPS_CONCURRENCY"] = "1"
    if find_missing(["mozjpeg"]):
        return None
    settings = parse_settings(query)

    def compress(upload: bytes) -> bytes:
        write = prepare_mozjpeg(
            decode(upload), MOZJPEG_TABLES["mozjpeg"], progressive=settings.progressive
        )
        return write(settings.quality)

    return compress
