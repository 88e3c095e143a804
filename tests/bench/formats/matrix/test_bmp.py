"""The BMP files of the matrix, as Pillow reads those that it can."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.formats.matrix import bmp, pictures

FILES = {file.name: file.data for file in bmp.make_files()}


def test_names_say_the_format_once() -> None:
    assert len(FILES) == len(bmp.make_files()) >= 65
    assert all(name.startswith("bmp-") for name in FILES)


@pytest.mark.parametrize(
    "name",
    [
        "bmp-palette-8.bmp",
        "bmp-palette-4-top-down.bmp",
        "bmp-palette-8-rle.bmp",
        "bmp-palette-4-rle.bmp",
        "bmp-palette-8-os2.bmp",
        "bmp-masks-565-header-40.bmp",
        "bmp-rgb-24-header-124.bmp",
    ],
)
def test_the_file_holds_the_picture(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        shown = np.asarray(image.convert("L"), dtype=np.int16)
    expected = np.asarray(pictures.make_picture().convert("L"), dtype=np.int16)
    assert np.abs(shown - expected).mean() < 12
