"""The compared encoders of JPEG 2000, all at the bytes of the standard JPEG."""

import io
from typing import Final

from PIL import Image

from bench.encoders import Map
from bench.metrics import Picture
from codec.jpeg2000.container import write_jp2
from codec.jpeg2000.encode import encode
from codec.settings import EncodeSettings, Target

OURS: Final = "jp2"
UNIFORM: Final = "jp2_uniform"
"""Ours with strength 0."""
FULL: Final = "jp2_full"
"""Ours with strength 1."""
OPENJPEG_32: Final = "openjpeg_32"
"""OpenJPEG as below, with code-blocks as small as ours."""
OPENJPEG: Final = "openjpeg"
"""OpenJPEG with the defaults of its opj_compress -I: 9-7 wavelet, code-blocks of 64×64, one layer."""


def encode_jp2(
    image: Picture,
    saliency: Map,
    quality: int,
    strength: float,
    *,
    target: Target = "size",
    limit_bytes: int | None = None,
) -> bytes:
    """Return our file, of at most `limit_bytes` or the standard JPEG's bytes."""
    settings = EncodeSettings(quality=quality, strength=strength, target=target)
    return encode(image, saliency, settings, reference_bytes=limit_bytes).data


def encode_openjpeg(image: Picture, limit_bytes: int, block_px: int = 64) -> bytes:
    """Return OpenJPEG's file of at most `limit_bytes`."""
    height, width = image.shape[:2]
    file = io.BytesIO()
    overhead = len(write_jp2(b"", (width, height), 3))
    Image.fromarray(image).save(
        file,
        format="JPEG2000",
        no_jp2=True,
        irreversible=True,
        mct=1,
        codeblock_size=(block_px, block_px),
        quality_layers=[image.size / (limit_bytes - overhead)],
    )
    return write_jp2(file.getvalue(), (width, height), 3)
