import io

import numpy as np
from PIL import Image, ImageOps

from bench.formats.matrix import avif, pictures
from bench.formats.matrix.heif_property import MIRROR, ROTATION, add_property


def read(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def test_a_rotation_and_a_mirror_are_applied_in_their_order() -> None:
    upright = avif.write("", pictures.make_picture()).data
    turned = add_property(upright, ROTATION, b"\x01")
    assert np.array_equal(read(turned), np.rot90(read(upright)))
    mirrored = add_property(turned, MIRROR, b"\x01")
    assert np.array_equal(read(mirrored), np.rot90(read(upright))[:, ::-1])
