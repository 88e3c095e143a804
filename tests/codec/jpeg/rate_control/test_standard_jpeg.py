import numpy as np
import pytest

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.rate_control.standard_jpeg import (
    HEADER_BYTES,
    count_scan_bits,
    measure_reference,
)
from tests.codec.pictures import scene
from tests.photos import standard_jpeg


@pytest.mark.parametrize("quality", [1, 50, 100])
def test_the_reference_is_what_pillow_writes(quality: int) -> None:
    for image in (scene(33, 47), np.ascontiguousarray(scene(33, 47)[..., 0])):
        assert measure_reference(image, quality) == len(standard_jpeg(image, quality))


@pytest.mark.parametrize("sides", [(64, 96), (40, 49)])
@pytest.mark.parametrize("quality", [10, 75, 95])
def test_bits_counted_on_the_reference_s_own_coefficients_are_those_of_its_scan(
    sides: tuple[int, int], quality: int
) -> None:
    for image in (scene(*sides), np.ascontiguousarray(scene(*sides)[..., 0])):
        data = standard_jpeg(image, quality)
        source, components = read_source(data), 3 if image.ndim == 3 else 1
        ones = np.ones(64, np.float32)
        bits = sum(
            count_scan_bits(min(i, 1), qcoefs, ones, 2 if components == 3 and i == 0 else 1)
            for i, qcoefs in enumerate(source.qcoefs)
        )
        scan = data[HEADER_BYTES[components] - 2 : -2]
        assert len(data) - HEADER_BYTES[components] - scan.count(b"\xff\0") == -(-bits // 8)
