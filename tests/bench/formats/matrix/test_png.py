"""The PNG files of the matrix, as Pillow reads those that it can."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.formats.matrix import pictures, png

FILES = {file.name: file.data for file in png.make_files()}


def test_names_say_the_format_once() -> None:
    assert len(FILES) == len(png.make_files()) >= 110
    assert all(name.startswith("png-") for name in FILES)


@pytest.mark.parametrize(
    "name",
    [
        "png-grey-4.png",
        "png-grey-4-interlaced.png",
        "png-palette-8.png",
        "png-rgb-8-interlaced.png",
        "png-palette-4-interlaced.png",
        "png-rgb-8-cicp-p3.png",
    ],
)
def test_the_file_holds_the_picture(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        shown = np.asarray(image.convert("L"), dtype=np.int16)
    expected = np.asarray(pictures.make_picture().convert("L"), dtype=np.int16)
    assert np.abs(shown - expected).mean() < 12
