import io

import numpy as np
import pytest
from PIL import Image

from codec.jpeg.syntax.tables import (
    ANNEX_K_CHROMA,
    ANNEX_K_LUMA,
    NATURAL_TO_ZIGZAG,
    ZIGZAG_TO_NATURAL,
    find_quality_scale,
    round_table,
)


def test_the_zigzag_starts_and_ends_as_in_figure_a6() -> None:
    assert ZIGZAG_TO_NATURAL[:10].tolist() == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]
    assert ZIGZAG_TO_NATURAL[-4:].tolist() == [47, 55, 62, 63]
    assert np.array_equal(NATURAL_TO_ZIGZAG[ZIGZAG_TO_NATURAL], np.arange(64))


@pytest.mark.parametrize("quality", [10, 50, 75, 90])
def test_annex_k_and_the_quality_scale_are_libjpegs(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, format="JPEG", quality=quality)
    tables = Image.open(file).quantization
    for annex_k, index in ((ANNEX_K_LUMA, 0), (ANNEX_K_CHROMA, 1)):
        ours = round_table(annex_k * np.float32(find_quality_scale(quality)))
        assert np.abs(ours[NATURAL_TO_ZIGZAG] - np.array(tables[index], np.int64)).max() <= 1


def test_rounded_tables_fit_eight_bits() -> None:
    assert round_table(np.array([0.01, 0.6, 300.0], np.float32)).tolist() == [1, 1, 255]
