"""GIF files of the matrix, written by Pillow; screens larger than their frames here (GIF89a)."""

import io
import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image

from bench.formats.matrix import pictures
from bench.formats.matrix.pictures import MatrixFile


def make_files() -> list[MatrixFile]:
    """Return all GIF files of the matrix."""
    return pictures.join(make_types(), make_animations(), make_screens())


def make_types() -> Iterator[MatrixFile]:
    """Yield numbers of colours, interlaced, transparent and grey files."""
    for bits in (1, 2, 4, 8):
        image = quantize(2**bits)
        for interlaced in (False, True):
            ending = "-interlaced.gif" if interlaced else ".gif"
            yield write(f"gif-palette-{bits}{ending}", image, interlace=interlaced)
            # An entry that the picture uses.
            used = image.getpixel((40, 30))
            yield write(
                f"gif-palette-{bits}-transparent{ending}",
                image,
                interlace=interlaced,
                transparency=used,
            )
    yield write("gif-grey-8.gif", pictures.make_picture().convert("L"))


def make_animations() -> Iterator[MatrixFile]:
    """Yield animations, of which the first frame counts, by disposal."""
    first = quantize(64)
    other = first.transpose(Image.Transpose.ROTATE_180)
    for disposal in (0, 1, 2, 3):
        yield write(
            f"gif-animation-disposal-{disposal}.gif",
            first,
            save_all=True,
            append_images=[other],
            disposal=disposal,
        )


def make_screens() -> Iterator[MatrixFile]:
    """Yield frames that are smaller than their screen, and one that reaches out of it."""
    stored = write("", quantize(64)).data
    for name, width_px, height_px in (
        ("larger", pictures.WIDTH_PX + 40, pictures.HEIGHT_PX + 25),
        ("smaller", pictures.WIDTH_PX - 40, pictures.HEIGHT_PX - 25),
        ("empty", 0, 0),
    ):
        size = struct.pack("<HH", width_px, height_px)
        yield MatrixFile(f"gif-screen-{name}.gif", stored[:6] + size + stored[10:])


def quantize(colours: int) -> Image.Image:
    """Return the picture with a palette."""
    return pictures.make_picture().quantize(colours, dither=Image.Dither.NONE)


def write(name: str, image: Image.Image, **options: Any) -> MatrixFile:
    """Return an image as a GIF file."""
    buffer = io.BytesIO()
    image.save(buffer, "GIF", **options)
    return MatrixFile(name, buffer.getvalue())
