"""Calls libaom through Pillow: one picture at one level, with a file of rates that is in no folder."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.avif.tuning import SPEED
from codec.jpeg.rate_control.standard_jpeg import open_scratch

MAX_SIDE_PX: Final = 32_768
"""Longest side that libavif reads by default, and browsers with it."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file holds beside the picture; empty for nothing."""

    exif: bytes = b""
    """TIFF's bytes, without a name before them."""
    xmp: bytes = b""
    profile: bytes = b""
    """The picture's ICC profile; without one it is sRGB."""


NO_METADATA: Final = Metadata()


def write_avif(
    image: NDArray[np.uint8],
    level: int,
    guide: bytes | None,
    *,
    metric: str,
    subsampled: bool,
    metadata: Metadata = NO_METADATA,
    speed: int = SPEED,
) -> bytes:
    """Return the AVIF of a picture.

    libaom ignores a file of rates that it can't read, and one that is too short. It uses one thread: the
    worker's processes share few cores.

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        level: libaom's quantizer level, 1..63.
        guide: a file of rates (`codec.avif.rate_guide`), or None.
        metric: libaom's `tune`.
        subsampled: whether chroma is 4:2:0 instead of 4:4:4.
        metadata: what the file holds beside the picture.
        speed: libaom's `cpu-used`, 0..9.
    """
    options = {"cq-level": str(level), "tune": metric}
    with open_scratch() as scratch:
        if guide is not None:
            scratch.write(guide)
            scratch.flush()
            scratch.seek(0)
            options |= {
                "deltaq-mode": "3",
                "enable-rate-guide-deltaq": "1",
                "rate-distribution-info": f"/dev/fd/{scratch.fileno()}",
            }
        file = io.BytesIO()
        colour = "4:2:0" if subsampled else "4:4:4"
        Image.fromarray(image).save(
            file,
            "AVIF",
            speed=speed,
            subsampling="4:0:0" if image.ndim == 2 else colour,
            max_threads=1,
            codec="aom",
            autotiling=False,
            advanced=options,
            exif=metadata.exif,
            xmp=metadata.xmp,
            icc_profile=metadata.profile,
        )
    return file.getvalue()


def count_added_bytes(metadata: Metadata) -> int:
    """Return by how many bytes a file with this metadata is longer."""
    if metadata == NO_METADATA:
        return 0
    tiny = np.zeros((16, 16, 3), np.uint8)
    with_it, without = (
        write_avif(tiny, 63, None, metric="psnr", subsampled=True, metadata=own, speed=9)
        for own in (metadata, NO_METADATA)
    )
    return len(with_it) - len(without)


def read_avif(data: bytes) -> NDArray[np.uint8]:
    """Return the picture of a file that `write_avif` has written, (h, w, 3)."""
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"))
