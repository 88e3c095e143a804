"""Full-reference quality metrics of decoded pictures, computed by published libraries.

SSIM (Wang et al., IEEE TIP 13(4), 2004), MS-SSIM (Wang, Simoncelli and Bovik, Asilomar 2003) and
pixel-domain VIF (Sheikh and Bovik, IEEE TIP 15(2), 2006): torchmetrics. PSNR-HVS and PSNR-HVS-M
(Egiazarian et al., VPQM 2006; Ponomarenko et al., VPQM 2007): psnr-hvsm. SSIMULACRA2: ssimulacra2.
PSNR is implemented here because it takes weights. Luma planes are float64 (h, w) in 0..255,
pictures uint8 (h, w, 3) sRGB.
"""

import contextlib
import io
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from ssimulacra2 import compute_ssimulacra2
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
    visual_information_fidelity,
)

from bench.metrics import Picture

with contextlib.redirect_stdout(io.StringIO()):  # the import prints missing backends
    from psnr_hvsm import BACKENDS

Plane = NDArray[np.float64]

PACKAGES: Final = ("torchmetrics", "psnr-hvsm", "ssimulacra2")
# Shortest sides: the last of MS-SSIM's five scales must hold an 11×11 window, the last of VIF's four
# a 3×3 window; PSNR-HVS and SSIMULACRA2 need one 8×8 block.
SHORTEST_SIDE_PX: Final = {
    "ssim": 11, "ms_ssim": 176, "vifp": 41, "psnr_hvs": 8, "psnr_hvs_m": 8, "ssimulacra2": 8,
}  # fmt: skip
_SQUARED_FLOOR: Final = 1e-6
# float64 takes ten times as long and changes each metric by less than 1e-6 on a Kodak photo at
# quality 75.
_DTYPE: Final = torch.float32


def to_luma(rgb: Picture) -> Plane:
    """Return BT.601 luma of (h, w, 3) sRGB, unrounded."""
    luma: Plane = rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return luma


def psnr(
    original: NDArray[np.generic],
    decoded: NDArray[np.generic],
    weights: Plane | None = None,
) -> float:
    """Return the PSNR in dB over all samples; equal arrays count as an error of 1e-6.

    Args:
        original: samples.
        decoded: samples of the same shape.
        weights: weights of the squared errors, of the same shape, with a sum above 0.
    """
    error = np.asarray(original, np.float64) - np.asarray(decoded, np.float64)
    mean = float(np.average(error**2, weights=weights))
    return float(10 * np.log10(255**2 / max(mean, _SQUARED_FLOOR)))


def ssim(original: Plane, decoded: Plane) -> float:
    """Return the mean SSIM, 11×11 Gaussian window of σ 1.5, borders mirrored."""
    return _call(
        lambda a, b: structural_similarity_index_measure(b, a, data_range=255.0), original, decoded
    )


def ms_ssim(original: Plane, decoded: Plane) -> float:
    """Return the five-scale SSIM; sides of at least 176 pixels."""
    return _call(
        lambda a, b: multiscale_structural_similarity_index_measure(b, a, data_range=255.0),
        original,
        decoded,
    )


def vifp(original: Plane, decoded: Plane) -> float:
    """Return the pixel-domain visual information fidelity over four scales."""
    return _call(lambda a, b: visual_information_fidelity(b, a), original, decoded)


def _call(
    metric: Callable[[torch.Tensor, torch.Tensor], object], original: Plane, decoded: Plane
) -> float:
    with torch.inference_mode():
        a, b = (torch.tensor(plane, dtype=_DTYPE)[None, None] for plane in (original, decoded))
        found = metric(a, b)
    assert isinstance(found, torch.Tensor)
    return float(found)


def psnr_hvs(original: Plane, decoded: Plane) -> tuple[float, float]:
    """Return PSNR-HVS and PSNR-HVS-M in dB over the whole 8×8 blocks; at most 100."""
    height, width = (side // 8 * 8 for side in original.shape)
    a, b = (np.ascontiguousarray(plane[:height, :width] / 255) for plane in (original, decoded))
    # The library divides by zero for flat blocks and equal pictures, and ignores those quotients.
    with np.errstate(invalid="ignore", divide="ignore"):
        plain, masked = BACKENDS["numpy"]["psnr_hvs_hvsm"](a, b)
    return float(plain), float(masked)


def ssimulacra2(original: Picture, decoded: Picture) -> float:
    """Return SSIMULACRA2: 100 is the original, 70 high quality, 50 medium; no lower bound."""
    return float(compute_ssimulacra2(_write_ppm(original), _write_ppm(decoded)))


def _write_ppm(picture: Picture) -> io.BytesIO:
    """Return a file that the library opens with Pillow; uncompressed to save time."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PPM")
    return file
