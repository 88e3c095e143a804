"""Converts samples to sRGB by way of light: a curve for each channel, then a matrix.

Little CMS takes several times as long for 16 bits, and knows nothing of HDR.
"""

from dataclasses import dataclass
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from worker.image.colour.cms import transform
from worker.image.colour.code_points import (
    CHROMATICITIES,
    CURVES,
    HDR_WHITE_CD_M2,
    HLG,
    PQ,
    light_to_srgb,
)
from worker.image.colour.profiles import Point, make_probe
from worker.image.samples import Cicp

Deep = NDArray[np.uint16]

LEVELS: Final = 65_536
SRGB_LEVELS: Final[Deep] = np.rint(light_to_srgb(np.arange(LEVELS) / 65_535) * 65_535).astype(
    np.uint16
)

# Bradford's cone responses, by which ICC profiles adapt whites (ICC.1, annex E).
BRADFORD: Final = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
# BT.2100-2, table 5: the nominal peak of HLG, the exponent of its display, the shares of luminance.
HDR_PEAK: Final = 1_000 / HDR_WHITE_CD_M2
HLG_EXPONENT: Final = 1.2
BT_2020_LUMINANCE: Final = np.array([0.2627, 0.6780, 0.0593], np.float32)

# Primaries around those of all profiles in use, with the white of ICC profiles (D50).
WIDE: Final[tuple[Point, Point, Point]] = ((0.80, 0.25), (0.05, 1.05), (0.02, -0.10))
WIDE_WHITE: Final[Point] = (0.3457, 0.3585)
RAMP_LEVELS: Final = 4_096
# Half a level of 8 bits, in 16.
TOLERANCE: Final = 128


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """What light the samples of an RGB picture stand for."""

    curves: NDArray[np.float32]
    """(3, 65,536): light by channel and sample; 1 is the white of sRGB."""
    matrix: NDArray[np.float32]
    """(3, 3): from light of the picture's primaries to that of sRGB's."""
    hdr: int = 0
    """The transfer of H.273 if it is one of HDR, else 0."""

    def to_srgb(self, values: Deep) -> Deep:
        """Return samples, (height, width, 3), in sRGB. Colours outside of it are clipped."""
        light = np.empty(values.shape, np.float32)
        for channel in range(3):
            np.take(self.curves[channel], values[..., channel], out=light[..., channel])
        if self.hdr == HLG:
            luminance = np.maximum(light @ BT_2020_LUMINANCE, np.float32(1e-9))
            light *= (luminance ** (HLG_EXPONENT - 1) * HDR_PEAK)[..., None]
        if self.hdr:
            map_tones(light)
        light = light @ self.matrix.T
        np.clip(light, 0, 1, out=light)
        light *= LEVELS - 1
        return SRGB_LEVELS[np.rint(light, out=light).astype(np.uint16)]


def map_tones(light: NDArray[np.float32]) -> None:
    """Map light, in place, from up to 1,000 cd/m² to up to white, in its own hue.

    Reinhard et al., "Photographic tone reproduction for digital images" (2002), equation 4, of the
    strongest channel. Chromium does the same where a screen has no HDR.
    """
    strongest = light.max(axis=-1, keepdims=True)
    light *= (1 + strongest / HDR_PEAK**2) / (1 + strongest)


def space_of_code_points(cicp: Cicp) -> ColourSpace:
    """Return the colour space of code points that are known."""
    samples = np.arange(LEVELS) / (LEVELS - 1)
    curve = CURVES[cicp.transfer](samples).astype(np.float32)
    matrix = np.linalg.solve(to_xyz(*CHROMATICITIES[1]), to_xyz(*CHROMATICITIES[cicp.primaries]))
    hdr = cicp.transfer if cicp.transfer in {PQ, HLG} else 0
    return ColourSpace(np.stack([curve] * 3), matrix.astype(np.float32), hdr)


def to_xyz(white: Point, *primaries: Point) -> NDArray[np.float64]:
    """Return the matrix from light to XYZ, adapted to D65 (SMPTE RP 177; ICC.1, annex E)."""
    # x and y may be 0, as for the XYZ of H.273 itself: columns are scaled by white, not by y.
    columns = np.array([[x, y, 1 - x - y] for x, y in primaries]).T
    own, d65 = (np.array([x, y, 1 - x - y]) / y for x, y in (white, CHROMATICITIES[1][0]))
    scaled = columns * np.linalg.solve(columns, own)
    gains = (BRADFORD @ d65) / (BRADFORD @ own)
    adaptation = np.linalg.solve(BRADFORD, gains[:, None] * BRADFORD)
    return np.asarray(adaptation @ scaled)


def space_of_profile(profile: bytes) -> ColourSpace | None:
    """Return the colour space of an RGB profile that is curves and a matrix, None of another one.

    Raises:
        ProfileError: when the profile can't be read.
    """
    wide = imagecodecs.cms_profile("rgb", whitepoint=WIDE_WHITE, primaries=sum(WIDE, ()), gamma=1.0)
    levels = np.linspace(0, LEVELS - 1, RAMP_LEVELS).astype(np.uint16)
    ramps = np.zeros((3, RAMP_LEVELS, 3), np.uint16)
    for channel in range(3):
        ramps[channel, :, channel] = levels
    responses = transform(ramps, profile, "rgb", to=wide, exact=True).astype(np.float64)
    columns = responses[:, -1].T / (LEVELS - 1)
    strongest = columns.argmax(axis=0)
    if columns[strongest, range(3)].min() == 0:
        return None
    samples = np.arange(LEVELS)
    curves = [
        np.interp(samples, levels, responses[channel, :, place] / responses[channel, -1, place])
        for channel, place in enumerate(strongest)
    ]
    matrix = np.linalg.solve(to_xyz(*CHROMATICITIES[1]), to_xyz(WIDE_WHITE, *WIDE) @ columns)
    space = ColourSpace(np.array(curves, np.float32), matrix.astype(np.float32))
    probe = make_probe("rgb")
    expected = transform(probe, profile, "rgb", exact=True).astype(np.int32)
    difference = np.abs(space.to_srgb(probe) - expected).max()
    return space if difference <= TOLERANCE else None
