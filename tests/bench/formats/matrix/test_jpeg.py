"""The JPEG files of the matrix, as Pillow reads those that it can."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from bench.formats.matrix import jpeg, pictures

if shutil.which("jpegtran") is None:
    pytest.skip("needs jpegtran", allow_module_level=True)

FILES = {file.name: file.data for file in jpeg.make_files()}


def test_names_say_the_format_once() -> None:
    assert len(FILES) == len(jpeg.make_files()) >= 90
    assert all(name.startswith("jpeg-") for name in FILES)


@pytest.mark.parametrize(
    "name",
    [
        "jpeg-ycbcr-420-baseline.jpg",
        "jpeg-grey-arithmetic.jpg",
        "jpeg-ycbcr-411-progressive.jpg",
        "jpeg-rgb-restarts.jpg",
        "jpeg-cmyk-baseline.jpg",
        "jpeg-ycck-baseline.jpg",
        "jpeg-ycbcr-420-icc-p3.jpg",
    ],
)
def test_the_file_holds_the_picture(name: str) -> None:
    with Image.open(io.BytesIO(FILES[name])) as image:
        shown = np.asarray(image.convert("L"), dtype=np.int16)
    expected = np.asarray(pictures.make_picture().convert("L"), dtype=np.int16)
    assert np.abs(shown - expected).mean() < 12
