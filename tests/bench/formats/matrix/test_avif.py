"""The AVIF files of the matrix, as Pillow reads those that it can."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.formats.matrix import avif, pictures

FILES = {file.name: file.data for file in avif.make_files()}


def test_names_say_the_format_once() -> None:
    assert len(FILES) == len(avif.make_files()) >= 55
    assert all(name.startswith("avif-") for name in FILES)


@pytest.mark.parametrize(
    "name",
    [
        "avif-420-8.avif",
        "avif-444-8-alpha.avif",
        "avif-420-8-limited-range.avif",
        "avif-grey-8.avif",
    ],
)
def test_the_file_holds_the_picture(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        shown = np.asarray(image.convert("L"), dtype=np.int16)
    expected = np.asarray(pictures.make_picture().convert("L"), dtype=np.int16)
    assert np.abs(shown - expected).mean() < 12
