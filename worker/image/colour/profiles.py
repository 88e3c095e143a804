"""Makes ICC profiles (ICC.1:2022), and tells by what a profile does whether it is sRGB."""

import functools
import logging
from typing import Final, Literal

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from worker.image.colour.cms import ProfileError, transform
from worker.image.samples import ColourModel

log = logging.getLogger(__name__)

Point = tuple[float, float]

# IEC 61966-2-1: white (D65), red, green and blue as CIE x and y.
SRGB_WHITE: Final[Point] = (0.3127, 0.3290)
SRGB_PRIMARIES: Final[tuple[Point, Point, Point]] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
# Encoders write a gamma of 2.2 for sRGB, whose curve has none, and round chromaticities.
SRGB_GAMMA: Final = 2.2
GAMMA_TOLERANCE: Final = 0.05
POINT_TOLERANCE: Final = 0.005
SMALLEST_GAMMA, LARGEST_GAMMA = 0.2, 5.0
# Primaries in a line span no colours. Those of sRGB span 0.11.
SMALLEST_AREA: Final = 0.005

# Most photos have one of a few profiles, and those are short.
REMEMBERED_BYTES: Final = 16 * 1024

# Tags of profiles without tables, by the colours of the samples (ICC.1:2022, 8.3.3 and 8.3.4).
RESTRICTED_TAGS: Final = {
    b"RGB ": {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"},
    b"GRAY": {b"kTRC"},
}

# One level of 8 bits, in 16.
LEVEL: Final = 257


def profile_of_chromaticities(
    white: Point, red: Point, green: Point, blue: Point, gamma: float
) -> bytes | None:
    """Return the profile of an RGB picture by its CIE x and y, and the exponent from samples to light.

    Return None if that is sRGB, or nothing that a picture can have: the colours then count as sRGB.
    A PNG's gAMA chunk has the inverse of this exponent, which is 2.2 for 45,455.
    """
    if not (is_sensible_gamma(gamma) and is_sensible_triangle(white, red, green, blue)):
        return None
    differences = np.abs(np.subtract((white, red, green, blue), (SRGB_WHITE, *SRGB_PRIMARIES)))
    if abs(gamma - SRGB_GAMMA) <= GAMMA_TOLERANCE and differences.max() <= POINT_TOLERANCE:
        return None
    return make_profile("rgb", whitepoint=white, primaries=(*red, *green, *blue), gamma=gamma)


def profile_of_grey_gamma(gamma: float) -> bytes | None:
    """Return the profile of a grey picture by the exponent from samples to light.

    Return None if that is sRGB, or nothing that a picture can have.
    """
    if not is_sensible_gamma(gamma) or abs(gamma - SRGB_GAMMA) <= GAMMA_TOLERANCE:
        return None
    return make_profile("gray", whitepoint=SRGB_WHITE, gamma=gamma)


def is_sensible_gamma(gamma: float) -> bool:
    """Return whether a picture can have this gamma."""
    return SMALLEST_GAMMA <= gamma <= LARGEST_GAMMA


def is_sensible_triangle(white: Point, red: Point, green: Point, blue: Point) -> bool:
    """Return whether the primaries span colours, and white is one of them."""

    def area(a: Point, b: Point) -> float:
        return ((a[0] - white[0]) * (b[1] - white[1]) - (b[0] - white[0]) * (a[1] - white[1])) / 2

    parts = (area(red, green), area(green, blue), area(blue, red))
    surrounds_white = min(parts) > 0 or max(parts) < 0
    return white[1] > 0 and surrounds_white and abs(sum(parts)) >= SMALLEST_AREA


def make_profile(
    kind: Literal["gray", "rgb"],
    *,
    whitepoint: Point,
    primaries: tuple[float, ...] | None = None,
    gamma: float,
) -> bytes | None:
    """Return a profile of these values, None if little CMS can't make one."""
    try:
        profile: bytes = imagecodecs.cms_profile(
            kind, whitepoint=whitepoint, primaries=primaries, gamma=gamma
        )
    except (imagecodecs.CmsError, ValueError):
        log.debug("no profile", exc_info=True)
        return None
    return profile


def is_restricted(profile: bytes) -> bool:
    """Return whether a JP2 file can have a profile: a grey curve, or a matrix and curves.

    ISO/IEC 15444-1 I.5.3.3, with displays' profiles as in its Amendment 6; no tables. The profile is one
    that can be read.
    """
    count = int.from_bytes(profile[128:132], "big")
    tags = {profile[at : at + 4] for at in range(132, min(132 + 12 * count, len(profile)), 12)}
    needed = RESTRICTED_TAGS.get(profile[16:20])
    is_device = profile[12:16] in {b"scnr", b"mntr"} and profile[20:24] == b"XYZ "
    return needed is not None and is_device and tags >= needed and b"A2B0" not in tags


Effect = Literal["none", "srgb", "other"]


def find_effect(profile: bytes, model: ColourModel) -> Effect:
    """Return what a profile does for samples of this model.

    "none": it can't be read, or is not for them. "srgb": in 8 bits it moves no sample by more than one
    level. A profile's name may say anything.
    """
    if len(profile) <= REMEMBERED_BYTES:
        return remember_effect(profile, model)
    return probe(profile, model)


@functools.lru_cache(maxsize=64)
def remember_effect(profile: bytes, model: ColourModel) -> Effect:
    """Return `probe`'s result."""
    return probe(profile, model)


def probe(profile: bytes, model: ColourModel) -> Effect:
    """Return what a profile does to a ramp and a coarse grid of samples."""
    samples = make_probe(model)
    try:
        converted = transform(samples, profile, model, exact=True)
    except ProfileError:
        log.debug("colour profile ignored", exc_info=True)
        return "none"
    if model in {"cmyk", "lab"}:
        return "other"
    differences_levels = (converted.astype(np.float32) - samples) / LEVEL
    return "srgb" if np.abs(np.rint(differences_levels)).max() <= 1 else "other"


def make_probe(model: ColourModel) -> NDArray[np.uint16]:
    """Return samples, (1, count, channels): all levels of grey, and six levels of each channel."""
    ramp = np.arange(256, dtype=np.uint16) * LEVEL
    if model == "grey":
        return ramp[None, :, None]
    if model == "cmyk":
        return np.zeros((1, 1, 4), np.uint16)
    sides = np.linspace(0, 65_535, 6).astype(np.uint16)
    grid = np.stack(np.meshgrid(sides, sides, sides), axis=-1).reshape(-1, 3)
    return np.concatenate([np.repeat(ramp[:, None], 3, axis=1), grid])[None]
