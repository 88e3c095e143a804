import numpy as np
import pytest

from codec.jpeg.quantize.frequency_weights import (
    LOW_REACH,
    list_frequency_weights,
    shape_table,
    weigh_frequencies,
)
from codec.jpeg.quantize.tuning import PSNR, Sensitivity
from codec.jpeg.syntax.tables import ANNEX_K_CHROMA, ANNEX_K_LUMA, NATURAL_TO_ZIGZAG


def test_the_shape_goes_from_flat_to_annex_k() -> None:
    assert np.allclose(shape_table(ANNEX_K_LUMA, 0.0), 1.0)
    assert np.allclose(shape_table(ANNEX_K_LUMA, 1.0) * 16, ANNEX_K_LUMA)


def test_weights_are_equal_without_tilt_and_low() -> None:
    weights = weigh_frequencies(ANNEX_K_LUMA, Sensitivity(weight=2.0, tilt=0.0, low=0.0, dc=0.0))
    assert np.allclose(weights, 2.0)


def test_a_tilt_of_2_weighs_errors_in_steps_of_annex_k() -> None:
    weights = weigh_frequencies(ANNEX_K_LUMA, Sensitivity(weight=1.0, tilt=2.0, low=0.0, dc=0.0))
    assert np.allclose(weights * ANNEX_K_LUMA**2, 256.0)


def test_low_and_dc_add_weight_near_dc_and_at_dc() -> None:
    own = Sensitivity(weight=1.0, tilt=0.0, low=3.0, dc=5.0)
    weights = weigh_frequencies(ANNEX_K_LUMA, own)[NATURAL_TO_ZIGZAG].reshape(8, 8)
    assert weights[0, 0] == pytest.approx(1 + 3 + 5)
    assert weights[0, 1] == weights[1, 0] == pytest.approx(1 + 3 * np.exp(-1 / LOW_REACH))
    assert weights[2, 1] == pytest.approx(1 + 3 * np.exp(-5 / LOW_REACH))
    assert weights[7, 7] == pytest.approx(1.0)


def test_each_component_has_its_own_weights() -> None:
    luma, cb, cr = list_frequency_weights(PSNR.default.sensitivities, 3)
    assert np.array_equal(luma, weigh_frequencies(ANNEX_K_LUMA, PSNR.default.luma))
    assert np.array_equal(cb, weigh_frequencies(ANNEX_K_CHROMA, PSNR.default.cb))
    assert np.array_equal(cr, weigh_frequencies(ANNEX_K_CHROMA, PSNR.default.cr))
    (grey,) = list_frequency_weights(PSNR.default.sensitivities, 1)
    assert np.array_equal(grey, luma)
