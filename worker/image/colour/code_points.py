"""Colour spaces by code points (ITU-T H.273): chromaticities and curves."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.image.colour.profiles import SRGB_PRIMARIES, SRGB_WHITE, Point
from worker.image.samples import Cicp

Floats = NDArray[np.float64]

# H.273, 8.1, table 2: white, red, green, blue. 2 is unspecified.
ILLUMINANT_C: Final[Point] = (0.310, 0.316)
DCI_WHITE: Final[Point] = (0.314, 0.351)
SMPTE_170M: Final = (SRGB_WHITE, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
CHROMATICITIES: Final[dict[int, tuple[Point, Point, Point, Point]]] = {
    1: (SRGB_WHITE, *SRGB_PRIMARIES),
    2: (SRGB_WHITE, *SRGB_PRIMARIES),
    4: (ILLUMINANT_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (SRGB_WHITE, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: SMPTE_170M,
    7: SMPTE_170M,
    8: (ILLUMINANT_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: (SRGB_WHITE, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    10: ((1 / 3, 1 / 3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),
    11: (DCI_WHITE, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (SRGB_WHITE, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: (SRGB_WHITE, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}

PQ, HLG = 16, 18
# BT.2408-7, 2.2: the luminance of SDR's white in HDR.
HDR_WHITE_CD_M2: Final = 203.0
PQ_PEAK_CD_M2: Final = 10_000.0


def srgb_to_light(samples: Floats) -> Floats:
    """Return light, 0 to 1, of samples, 0 to 1 (IEC 61966-2-1)."""
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def light_to_srgb(light: Floats) -> Floats:
    """Return samples, 0 to 1, of light, 0 to 1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def smpte_240m_to_light(samples: Floats) -> Floats:
    """Return light, 0 to 1."""
    return np.where(samples < 0.0913, samples / 4, ((samples + 0.1115) / 1.1115) ** (1 / 0.45))


def pq_to_light(samples: Floats) -> Floats:
    """Return light as a multiple of SDR's white (BT.2100-2, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = samples ** (1 / m2)
    peaks = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return peaks * (PQ_PEAK_CD_M2 / HDR_WHITE_CD_M2)


def hlg_to_light(samples: Floats) -> Floats:
    """Return light of the scene, 0 to 1 (BT.2100-2, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(samples <= 0.5, samples**2 / 3, (np.exp((samples - c) / a) + b) / 12)


def logarithm(decades: float) -> Callable[[Floats], Floats]:
    """Return the curve of samples that are logarithms over so many decades."""
    return lambda samples: np.where(samples > 0, 10.0 ** (decades * (samples - 1)), 0.0)


# H.273, 8.2, table 3. Those of television (1, 6, 11, 12, 14, 15) are curves of cameras; screens have
# others. Most pictures that claim one are sRGB, and browsers show them so.
CURVES: Final[dict[int, Callable[[Floats], Floats]]] = {
    **dict.fromkeys((1, 2, 6, 11, 12, 13, 14, 15), srgb_to_light),
    4: lambda samples: samples**2.2,
    5: lambda samples: samples**2.8,
    7: smpte_240m_to_light,
    8: lambda samples: samples,
    9: logarithm(2.0),
    10: logarithm(2.5),
    PQ: pq_to_light,
    17: lambda samples: np.minimum(samples**2.6 * (52.37 / 48), 1.0),
    HLG: hlg_to_light,
}


def is_known(cicp: Cicp) -> bool:
    """Return whether both code points have a meaning here; others, and what they claim, are ignored."""
    return cicp.primaries in CHROMATICITIES and cicp.transfer in CURVES


def is_srgb(cicp: Cicp) -> bool:
    """Return whether samples with these code points count as sRGB."""
    has_primaries = CHROMATICITIES.get(cicp.primaries) == CHROMATICITIES[1]
    return has_primaries and CURVES.get(cicp.transfer) is srgb_to_light
