import numpy as np
import pytest

from codec.jpeg.rate_control.standard_jpeg import measure_reference
from tests.codec.pictures import scene
from tests.photos import standard_jpeg


@pytest.mark.parametrize("quality", [1, 50, 100])
def test_the_reference_is_what_pillow_writes(quality: int) -> None:
    for image in (scene(33, 47), np.ascontiguousarray(scene(33, 47)[..., 0])):
        assert measure_reference(image, quality) == len(standard_jpeg(image, quality))
