"""The compared encoders keep to the bytes."""

import io

import numpy as np
from PIL import Image

from bench.jpeg2000.encoders import encode_jp2, encode_openjpeg
from tests.codec.pictures import scene, spot


def test_all_files_open_and_fill_their_bytes() -> None:
    image = scene(120, 160)
    for data in (
        encode_openjpeg(image, 5000),
        encode_jp2(image, spot(9, 9), 75, 0.6, limit_bytes=5000),
        encode_jp2(image, spot(9, 9), 75, 0.0, limit_bytes=5000),
    ):
        assert 4900 < len(data) <= 5000
        with Image.open(io.BytesIO(data)) as opened:
            assert np.mean(np.abs(np.asarray(opened, np.float64) - image)) < 15
