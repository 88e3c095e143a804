"""The picture that AVIFs are made of: without the grain of `scene`, which libaom drops all at once."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.codec.pictures import scene


def soft_scene(height: int, width: int) -> NDArray[np.uint8]:
    """Return `scene` with soft edges and little grain."""
    picture = Image.fromarray(scene(height, width)).filter(ImageFilter.GaussianBlur(1.2))
    return np.asarray(picture)
