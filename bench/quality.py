"""Full-reference quality metrics on luma, in numpy.

SSIM: Wang et al., IEEE TIP 13(4), 2004. MS-SSIM: Wang, Simoncelli and Bovik, Asilomar 2003.
PSNR-HVS and PSNR-HVS-M: Egiazarian et al., VPQM 2006, and Ponomarenko et al., VPQM 2007.
VIFP: Sheikh and Bovik, IEEE TIP 15(2), 2006, pixel domain. Planes are float64 (h, w) in 0..255.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.tables import ANNEX_K_LUMA, NATURAL_TO_ZIGZAG

Plane = NDArray[np.float64]

_SSIM_C1: Final = (0.01 * 255) ** 2
_SSIM_C2: Final = (0.03 * 255) ** 2
_MS_WEIGHTS: Final = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_ANNEX_K: Final = ANNEX_K_LUMA[NATURAL_TO_ZIGZAG].reshape(8, 8).astype(np.float64)
# The published tables are these fractions of Annex K, rounded.
_CONTRAST_SENSITIVITY: Final = 25.735090 / _ANNEX_K
_MASKING: Final = (10.0 / _ANNEX_K) ** 2
_VIF_NOISE: Final = 2.0


def to_luma(rgb: NDArray[np.uint8]) -> Plane:
    """Return BT.601 luma of (h, w, 3) sRGB, unrounded."""
    luma: Plane = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return luma


def psnr(original: NDArray[np.generic], decoded: NDArray[np.generic]) -> float:
    """Return the PSNR in dB over all samples; equal arrays count as an error of 1e-6."""
    error = np.asarray(original, np.float64) - np.asarray(decoded, np.float64)
    return float(10 * np.log10(255**2 / max(float(np.mean(error**2)), 1e-6)))


def salient_region(saliency: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the quarter of the pixels with the highest values, exactly, earlier pixels first."""
    order = np.argsort(-saliency, axis=None, kind="stable")
    region = np.zeros(saliency.size, bool)
    region[order[: saliency.size // 4]] = True
    return region.reshape(saliency.shape)


def _filter(plane: Plane, taps: Plane) -> Plane:
    """Convolve both axes with `taps`, without padding."""
    height = plane.shape[0] - taps.size + 1
    tall = sum((tap * plane[i : i + height] for i, tap in enumerate(taps)), np.zeros(()))
    width = plane.shape[1] - taps.size + 1
    filtered: Plane = sum(
        (tap * tall[:, i : i + width] for i, tap in enumerate(taps)), np.zeros(())
    )
    return filtered


def _gaussian(size: int, sigma: float) -> Plane:
    x = np.arange(size) - (size - 1) / 2
    taps: Plane = np.exp(-(x**2) / (2 * sigma**2))
    taps /= taps.sum()
    return taps


def _moments(a: Plane, b: Plane, taps: Plane) -> tuple[Plane, Plane, Plane, Plane, Plane]:
    """Return local means, variances and the covariance."""
    mean_a, mean_b = _filter(a, taps), _filter(b, taps)
    return (
        mean_a,
        mean_b,
        _filter(a * a, taps) - mean_a**2,
        _filter(b * b, taps) - mean_b**2,
        _filter(a * b, taps) - mean_a * mean_b,
    )


def _ssim_terms(a: Plane, b: Plane) -> tuple[float, float]:
    """Return mean SSIM and its mean contrast-structure part."""
    mean_a, mean_b, var_a, var_b, cov = _moments(a, b, _gaussian(11, 1.5))
    structure = (2 * cov + _SSIM_C2) / (var_a + var_b + _SSIM_C2)
    luminance = (2 * mean_a * mean_b + _SSIM_C1) / (mean_a**2 + mean_b**2 + _SSIM_C1)
    return float(np.mean(luminance * structure)), float(np.mean(structure))


def ssim(original: Plane, decoded: Plane) -> float:
    """Return the mean SSIM, 11×11 Gaussian window; sides of at least 11 pixels."""
    return _ssim_terms(original, decoded)[0]


def _halve(plane: Plane) -> Plane:
    height, width = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    even = plane[:height, :width]
    return 0.25 * (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2])


def ms_ssim(original: Plane, decoded: Plane) -> float:
    """Return the five-scale SSIM; sides of at least 176 pixels."""
    result = 1.0
    for scale, weight in enumerate(_MS_WEIGHTS):
        whole, structure = _ssim_terms(original, decoded)
        last = scale == len(_MS_WEIGHTS) - 1
        result *= max(whole if last else structure, 0.0) ** weight
        original, decoded = _halve(original), _halve(decoded)
    return result


def vifp(original: Plane, decoded: Plane) -> float:
    """Return the pixel-domain visual information fidelity over four scales."""
    kept = total = 0.0
    for scale in range(4):
        taps = _gaussian(2 ** (4 - scale) + 1, (2 ** (4 - scale) + 1) / 5)
        if scale:
            original = _filter(original, taps)[::2, ::2]
            decoded = _filter(decoded, taps)[::2, ::2]
        _, _, var_a, var_b, cov = _moments(original, decoded, taps)
        var_a, var_b = np.maximum(var_a, 0), np.maximum(var_b, 0)
        gain = np.where(var_a > 1e-10, cov / (var_a + 1e-10), 0.0)
        rest = var_b - gain * cov
        rest = np.where((gain < 0) | (var_a <= 1e-10), var_b, rest)
        gain = np.maximum(gain, 0)
        rest = np.maximum(rest, 1e-10)
        kept += float(np.sum(np.log10(1 + gain**2 * var_a / (rest + _VIF_NOISE))))
        total += float(np.sum(np.log10(1 + var_a / _VIF_NOISE)))
    return kept / total if total else 1.0


def _blocks(plane: Plane) -> Plane:
    """Return the whole 8×8 blocks. # (h, w) -> (n, 8, 8)"""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    cut = plane[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8)
    return cut.transpose(0, 2, 1, 3).reshape(-1, 8, 8)


def _dct_basis() -> Plane:
    u = np.arange(8)[:, None]
    basis = np.cos((2 * np.arange(8) + 1) * u * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return basis


def _masking_of(blocks: Plane, coefs: Plane) -> Plane:
    """Return what each block hides, between-coefficient masking reduced at edges. # -> (n,)"""
    energy = np.einsum("nuv,uv->n", coefs**2, _MASKING) - coefs[:, 0, 0] ** 2 * _MASKING[0, 0]
    whole = 64 * blocks.var(axis=(1, 2), ddof=1)
    quarters = blocks.reshape(-1, 2, 4, 2, 4).var(axis=(2, 4), ddof=1).sum(axis=(1, 2)) * 16
    ratio = np.divide(quarters, whole, out=np.zeros_like(whole), where=whole > 0)
    masking: Plane = np.sqrt(np.maximum(energy, 0) * ratio) / 32
    return masking


def psnr_hvs(original: Plane, decoded: Plane) -> tuple[float, float]:
    """Return PSNR-HVS and PSNR-HVS-M in dB over the whole 8×8 blocks."""
    basis = _dct_basis()
    transform: Callable[[Plane], Plane] = lambda blocks: basis @ blocks @ basis.T  # noqa: E731
    a, b = _blocks(original), _blocks(decoded)
    coefs_a, coefs_b = transform(a), transform(b)
    error = np.abs(coefs_a - coefs_b)
    hidden = np.maximum(_masking_of(a, coefs_a), _masking_of(b, coefs_b))
    threshold = hidden[:, None, None] / _MASKING
    threshold[:, 0, 0] = 0.0
    visible = np.maximum(error - threshold, 0.0)

    def to_db(parts: Plane) -> float:
        mean = float(np.mean((parts * _CONTRAST_SENSITIVITY) ** 2))
        return float(10 * np.log10(255**2 / max(mean, 1e-6)))

    return to_db(error), to_db(visible)
