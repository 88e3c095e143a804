import math

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.encoders import decode, encode_standard
from bench.metrics import full_reference
from codec.jpeg.syntax.tables import ANNEX_K_LUMA, NATURAL_TO_ZIGZAG
from tests.codec.pictures import scene

ANNEX_K = ANNEX_K_LUMA[NATURAL_TO_ZIGZAG].reshape(8, 8)


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    smooth = 120 + 60 * np.sin(y / 9) + 40 * np.cos(x / 7)
    return np.clip(smooth + rng.normal(0, 8, (height, width)), 0, 255)


def add_noise(plane: NDArray[np.float64], sigma: float, seed: int = 1) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(0, sigma, plane.shape)
    return np.asarray(np.clip(plane + noise, 0, 255))


def plain_hvs(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return PSNR-HVS and PSNR-HVS-M by the authors' loops (psnrhvsm.m).

    Their tables are written as fractions of Annex K.
    """
    csf, masks = 25.73509 / ANNEX_K, (10 / ANNEX_K) ** 2
    u = np.arange(8)[:, None]
    basis = np.cos((2 * np.arange(8) + 1) * u * math.pi / 16) / 2
    basis[0] /= math.sqrt(2)

    def spread(z: NDArray[np.float64]) -> float:
        return float(np.var(z, ddof=1) * z.size)

    def mask(z: NDArray[np.float64], coefs: NDArray[np.float64]) -> float:
        energy = sum(coefs[k, m] ** 2 * masks[k, m] for k in range(8) for m in range(8) if k or m)
        whole = spread(z)
        parts = spread(z[:4, :4]) + spread(z[:4, 4:]) + spread(z[4:, :4]) + spread(z[4:, 4:])
        return math.sqrt(energy * (parts / whole if whole else 0)) / 32

    plain, masked, count = 0.0, 0.0, 0
    for top in range(0, a.shape[0] - 7, 8):
        for left in range(0, a.shape[1] - 7, 8):
            p, q = a[top : top + 8, left : left + 8], b[top : top + 8, left : left + 8]
            coefs_p, coefs_q = basis @ p @ basis.T, basis @ q @ basis.T
            hidden = max(mask(p, coefs_p), mask(q, coefs_q))
            for k in range(8):
                for m in range(8):
                    error = abs(coefs_p[k, m] - coefs_q[k, m])
                    plain += (error * csf[k, m]) ** 2
                    if k or m:
                        error = max(error - hidden / masks[k, m], 0)
                    masked += (error * csf[k, m]) ** 2
                    count += 1
    return tuple(10 * math.log10(255**2 * count / s) for s in (plain, masked))  # type: ignore[return-value]


def test_psnr_of_an_error_of_one_is_48_13_db() -> None:
    flat = np.full((5, 7), 100.0)
    assert full_reference.psnr(flat, flat + 1) == pytest.approx(48.1308, abs=1e-4)


def test_luma_of_white_is_255() -> None:
    assert full_reference.to_luma(np.full((1, 1, 3), 255, np.uint8)) == pytest.approx(255)


def test_weighted_psnr_ignores_pixels_of_weight_0() -> None:
    flat = np.full((4, 4), 100.0)
    decoded = flat.copy()
    decoded[0] += 1
    decoded[1:] += 50
    weights = np.zeros((4, 4))
    weights[0] = 0.25
    assert full_reference.psnr(flat, decoded, weights) == pytest.approx(48.1308, abs=1e-4)


def test_ssim_of_flat_pictures_is_its_luminance_term() -> None:
    dark, light = np.full((32, 32), 100.0), np.full((32, 32), 120.0)
    c1 = (0.01 * 255) ** 2
    known = (2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)
    # float32 leaves some variance in a flat picture. On photos the difference is below 1e-6.
    assert full_reference.ssim(dark, light) == pytest.approx(known, abs=3e-4)


def test_ms_ssim_of_flat_pictures_is_the_luminance_term_of_the_last_scale() -> None:
    dark, light = np.full((180, 190), 100.0), np.full((180, 190), 120.0)
    c1 = (0.01 * 255) ** 2
    known = ((2 * 100 * 120 + c1) / (100**2 + 120**2 + c1)) ** 0.1333
    assert full_reference.ms_ssim(dark, light) == pytest.approx(known, abs=3e-4)


def test_ssim_ms_ssim_and_vifp_equal_other_implementations() -> None:
    """SSIM: loops over whole windows. MS-SSIM and VIF: numpy; VIF equals sewar 0.4.10 to 1e-12."""
    a = picture(180, 190)
    b = add_noise(a, 12)
    # The loops have no mirrored borders.
    assert full_reference.ssim(a, b) == pytest.approx(0.71035, abs=2e-4)
    assert full_reference.ms_ssim(a, b) == pytest.approx(0.96793, abs=2e-4)
    assert full_reference.vifp(a, b) == pytest.approx(0.39381, abs=1e-5)


def test_ssimulacra2_of_the_original_and_of_standard_jpegs() -> None:
    original = scene(128, 160)
    assert full_reference.ssimulacra2(original, original) == pytest.approx(100)
    fine, coarse = (decode(encode_standard(original, own)) for own in (90, 20))
    assert full_reference.ssimulacra2(original, fine) == pytest.approx(40.136, abs=0.2)
    assert full_reference.ssimulacra2(original, coarse) == pytest.approx(21.530, abs=0.2)


def test_psnr_hvs_equals_the_authors_loops() -> None:
    a = picture(26, 33)
    b = add_noise(a, 9)
    assert full_reference.psnr_hvs(a, b) == pytest.approx(plain_hvs(a, b), rel=1e-5)


def test_equal_pictures_have_the_best_values() -> None:
    a = picture(180, 190)
    assert full_reference.ssim(a, a) == pytest.approx(1)
    assert full_reference.ms_ssim(a, a) == pytest.approx(1)
    assert full_reference.vifp(a, a) == pytest.approx(1)
    assert min(full_reference.psnr_hvs(a, a)) >= 100


def test_more_noise_lowers_every_measure() -> None:
    a = picture(180, 190)
    near, far = add_noise(a, 5), add_noise(a, 20)
    for measure in (
        full_reference.psnr,
        full_reference.ssim,
        full_reference.ms_ssim,
        full_reference.vifp,
    ):
        assert measure(a, far) < measure(a, near)
    assert full_reference.psnr_hvs(a, far) < full_reference.psnr_hvs(a, near)
