import math

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import quality
from codec.tables import ANNEX_K_LUMA, NATURAL_TO_ZIGZAG

ANNEX_K = ANNEX_K_LUMA[NATURAL_TO_ZIGZAG].reshape(8, 8)


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    smooth = 120 + 60 * np.sin(y / 9) + 40 * np.cos(x / 7)
    return np.clip(smooth + rng.normal(0, 8, (height, width)), 0, 255)


def worse(plane: NDArray[np.float64], sigma: float, seed: int = 1) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(0, sigma, plane.shape)
    return np.asarray(np.clip(plane + noise, 0, 255))


def plain_ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    x = np.arange(11) - 5
    window = np.exp(-(x[:, None] ** 2 + x[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            p, q = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p = (window * (p - mean_p) ** 2).sum()
            var_q = (window * (q - mean_q) ** 2).sum()
            cov = (window * (p - mean_p) * (q - mean_q)).sum()
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            values.append(
                (2 * mean_p * mean_q + c1)
                * (2 * cov + c2)
                / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2))
            )
    return float(np.mean(values))


def plain_hvs(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """The authors' loops (psnrhvsm.m), with their tables as fractions of Annex K."""
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
    assert quality.psnr(flat, flat + 1) == pytest.approx(48.1308, abs=1e-4)


def test_luma_of_white_is_255() -> None:
    assert quality.to_luma(np.full((1, 1, 3), 255, np.uint8)) == pytest.approx(255)


def test_ssim_is_the_plain_loops() -> None:
    a = picture(20, 24)
    b = worse(a, 12)
    assert quality.ssim(a, b) == pytest.approx(plain_ssim(a, b), rel=1e-9)


def test_psnr_hvs_is_the_authors_loops() -> None:
    a = picture(26, 33)
    b = worse(a, 9)
    assert quality.psnr_hvs(a, b) == pytest.approx(plain_hvs(a, b), rel=1e-5)


def test_equal_pictures_have_the_best_of_every_measure() -> None:
    a = picture(180, 190)
    assert quality.ssim(a, a) == pytest.approx(1)
    assert quality.ms_ssim(a, a) == pytest.approx(1)
    assert quality.vifp(a, a) == pytest.approx(1)
    assert min(quality.psnr_hvs(a, a)) > 100


def test_more_noise_is_worse_by_every_measure() -> None:
    a = picture(180, 190)
    near, far = worse(a, 5), worse(a, 20)
    for measure in (quality.psnr, quality.ssim, quality.ms_ssim, quality.vifp):
        assert measure(a, far) < measure(a, near)
    assert quality.psnr_hvs(a, far) < quality.psnr_hvs(a, near)


def test_the_salient_region_is_a_quarter_even_where_values_are_equal() -> None:
    saliency = np.zeros((10, 10), np.float32)
    assert quality.salient_region(saliency).sum() == 25
    saliency[7, 3] = 1
    assert quality.salient_region(saliency)[7, 3]
