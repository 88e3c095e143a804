import io

import numpy as np
from PIL import Image

from bench.rd.crops import CROP_PX, cut_crop, locate_crop


def test_the_crop_contains_the_hottest_place() -> None:
    heat = np.zeros((400, 600))
    heat[180:220, 280:320] = 1
    left, top = locate_crop(heat)
    assert left < 280
    assert left + CROP_PX > 320
    assert top < 180
    assert top + CROP_PX > 220


def test_the_crop_of_a_smaller_photo_is_the_whole_photo() -> None:
    png = cut_crop(np.zeros((20, 30, 3), np.uint8), locate_crop(np.ones((20, 30))))
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.size == (30, 20)
