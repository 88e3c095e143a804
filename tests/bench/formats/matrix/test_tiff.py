"""The TIFF files of the matrix, as Pillow reads those that it can."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.formats.matrix import pictures, tiff

FILES = {file.name: file.data for file in tiff.make_files()}


def test_names_say_the_format_once() -> None:
    assert len(FILES) == len(tiff.make_files()) >= 170
    assert all(name.startswith("tiff-") for name in FILES)


@pytest.mark.parametrize(
    "name",
    [
        "tiff-grey-8.tif",
        "tiff-grey-8-white-is-zero.tif",
        "tiff-rgb-8-tiles.tif",
        "tiff-rgb-8-planar.tif",
        "tiff-rgb-8-lzw-predictor.tif",
        "tiff-rgb-8-big-endian.tif",
        "tiff-palette-4-entries-16.tif",
        "tiff-rgb-8-jpeg.tif",
        "tiff-ycbcr-8-11.tif",
        "tiff-grey-8-packbits.tif",
    ],
)
def test_the_file_holds_the_picture(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        shown = np.asarray(image.convert("L"), dtype=np.int16)
    expected = np.asarray(pictures.make_picture().convert("L"), dtype=np.int16)
    assert np.abs(shown - expected).mean() < 12
