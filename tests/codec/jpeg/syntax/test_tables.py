import io

import numpy as np
import pytest
from PIL import Image

from codec.jpeg.quantize.tuning import Sensitivity
from codec.jpeg.syntax.tables import (
    ANNEX_K_CHROMA,
    ANNEX_K_LUMA,
    LOW_REACH,
    NATURAL_TO_ZIGZAG,
    ZIGZAG_TO_NATURAL,
    round_table,
    scale_of_quality,
    shape_table,
    weigh_frequencies,
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
        ours = round_table(annex_k * np.float32(scale_of_quality(quality)))
        assert np.abs(ours[NATURAL_TO_ZIGZAG] - np.array(tables[index], np.int64)).max() <= 1


def test_the_shape_runs_from_flat_to_annex_k() -> None:
    assert np.allclose(shape_table(ANNEX_K_LUMA, 0.0), 1.0)
    assert np.allclose(shape_table(ANNEX_K_LUMA, 1.0) * 16, ANNEX_K_LUMA)


def test_errors_count_alike_without_tilt_and_low() -> None:
    weights = weigh_frequencies(ANNEX_K_LUMA, Sensitivity(weight=2.0, tilt=0.0, low=0.0, dc=0.0))
    assert np.allclose(weights, 2.0)


def test_tilt_counts_errors_in_steps_of_annex_k() -> None:
    weights = weigh_frequencies(ANNEX_K_LUMA, Sensitivity(weight=1.0, tilt=2.0, low=0.0, dc=0.0))
    assert np.allclose(weights * ANNEX_K_LUMA**2, 256.0)


def test_low_counts_by_distance_from_dc_and_dc_by_itself() -> None:
    own = Sensitivity(weight=1.0, tilt=0.0, low=3.0, dc=5.0)
    weights = weigh_frequencies(ANNEX_K_LUMA, own)[NATURAL_TO_ZIGZAG].reshape(8, 8)
    assert weights[0, 0] == pytest.approx(1 + 3 + 5)
    assert weights[0, 1] == weights[1, 0] == pytest.approx(1 + 3 * np.exp(-1 / LOW_REACH))
    assert weights[2, 1] == pytest.approx(1 + 3 * np.exp(-5 / LOW_REACH))
    assert weights[7, 7] == pytest.approx(1.0)


def test_rounded_tables_fit_eight_bits() -> None:
    assert round_table(np.array([0.01, 0.6, 300.0], np.float32)).tolist() == [1, 1, 255]
