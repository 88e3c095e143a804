"""JPEGs of many kinds, with edited segments, and what djpeg makes of them."""

import io
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.image_headers.jpeg import read_segments
from contract.image_headers.steps import Steps
from contract.messages import Options
from tests.photos import file_of, photo
from worker.image.formats.jpeg.reader import read

PHOTO = photo(75, 53)
JPEG = file_of(PHOTO, "JPEG", quality=90)
EOI = b"\xff\xd9"
JFIF_BYTES = 18


def make(mode: str = "RGB", **options: Any) -> bytes:
    """Return the photo as a JPEG of Pillow's."""
    return file_of(Image.fromarray(PHOTO).convert(mode), "JPEG", **({"quality": 90} | options))


def run(program: str, *arguments: str, data: bytes) -> bytes:
    """Return what a program of libjpeg-turbo writes for ``data``; skip where there is none."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([path, *arguments], input=data, capture_output=True, check=False)
    assert done.returncode in {0, 2}, done.stderr  # 2: with a warning
    return done.stdout


def encode(*arguments: str, picture: NDArray[np.uint8] = PHOTO) -> bytes:
    """Return a picture as a JPEG of cjpeg's."""
    return run("cjpeg", "-quality", "90", *arguments, data=file_of(picture, "PPM"))


def show_with_djpeg(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels that djpeg decodes."""
    with Image.open(io.BytesIO(run("djpeg", data=data))) as image:
        return np.asarray(image)


def show(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels that the reader decodes, of a JPEG in RGB or grey."""
    pixels = read(data, Options()).pixels
    assert isinstance(pixels, Image.Image)
    return np.asarray(pixels)


def segment(marker: int, content: bytes) -> bytes:
    """Return a marker segment."""
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def insert(*segments: bytes, jpeg: bytes = JPEG) -> bytes:
    """Return a JPEG of Pillow's with other bytes in the place of its JFIF segment."""
    return jpeg[:2] + b"".join(segments) + jpeg[2 + JFIF_BYTES :]


def find(jpeg: bytes, wanted: int) -> int:
    """Return where the content of the last segment of a kind begins, before the first scan's end."""
    return [start for marker, start, _ in read_segments(jpeg, Steps()) if marker == wanted][-1]


def name_components(jpeg: bytes, identifiers: bytes) -> bytes:
    """Return a baseline JPEG of one scan with other component identifiers."""
    changed = bytearray(jpeg)
    frame, scan = find(jpeg, 0xC0), find(jpeg, 0xDA)
    for number, identifier in enumerate(identifiers):
        changed[frame + 6 + 3 * number] = changed[scan + 1 + 2 * number] = identifier
    return bytes(changed)


def adobe(transform: int) -> bytes:
    """Return Adobe's segment with a colour transform."""
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((transform,)))
