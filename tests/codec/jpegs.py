"""JPEG files written by Pillow, and the samples that Pillow or a source's coefficients show."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg.decode.coefficients import Source, read_source
from codec.jpeg.transform.idct import inverse_transform


def pillow_jpeg(image: NDArray[np.uint8], mode: str | None = None, **options: Any) -> bytes:
    """Return the file that Pillow's libjpeg writes."""
    file = io.BytesIO()
    picture = Image.frombytes(mode, image.shape[1::-1], image.tobytes()) if mode else None
    (picture or Image.fromarray(image)).save(file, "JPEG", **options)
    return file.getvalue()


def unmarked(jpeg: bytes) -> bytes:
    """Return a file of ours without its mark, which depends on the settings."""
    return read_source(jpeg).stripped


def shown_luma(jpeg: bytes) -> NDArray[np.int64]:
    """Return the luma samples that libjpeg decodes, before any colour conversion."""
    with Image.open(io.BytesIO(jpeg)) as image:
        if image.mode == "RGB":
            image.draft("YCbCr", image.size)
        image.load()
        return np.asarray(image.getchannel(0)).astype(np.int64)


def shown_pixels(jpeg: bytes) -> NDArray[np.uint8]:
    """Return the pixels that libjpeg decodes."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return np.asarray(image)


def restored_luma(source: Source) -> NDArray[np.int64]:
    """Return a source's luma samples, rounded and clamped as by a decoder."""
    coefs = source.qcoefs[0] * source.quant_tables[0].astype(np.float32)
    plane = inverse_transform(coefs)[: source.height, : source.width]
    return np.clip(np.rint(plane + 128), 0, 255).astype(np.int64)
