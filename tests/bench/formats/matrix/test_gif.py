"""The GIF files of the matrix, as Pillow reads those that it can."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.formats.matrix import gif, pictures

FILES = {file.name: file.data for file in gif.make_files()}


def test_names_say_the_format_once() -> None:
    assert len(FILES) == len(gif.make_files()) >= 24
    assert all(name.startswith("gif-") for name in FILES)


@pytest.mark.parametrize(
    "name",
    [
        "gif-palette-8.gif",
        "gif-palette-4-interlaced.gif",
        "gif-animation-disposal-2.gif",
    ],
)
def test_the_file_holds_the_picture(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        shown = np.asarray(image.convert("L"), dtype=np.int16)
    expected = np.asarray(pictures.make_picture().convert("L"), dtype=np.int16)
    assert np.abs(shown - expected).mean() < 12
