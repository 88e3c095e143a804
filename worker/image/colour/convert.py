"""Converts a photo to 8-bit sRGB without alpha, in bands of rows."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.image.colour.conversions import Conversion, choose_conversion
from worker.image.colour.flatten import flatten, to_8_bits, to_integers, unmultiply
from worker.image.colour.pictures import convert_picture
from worker.image.colour.profiles import find_effect
from worker.image.samples import Coefficients, Samples

# A conversion takes up to 60 bytes for a pixel of its band. Some prepare tables for each.
SMALL_BAND_PIXELS: Final = 1 << 18
BANDS: Final = 8


def find_own_profile(pixels: Samples | Image.Image | Coefficients) -> bytes | None:
    """Return the profile of which a JPEG can have the samples as they are.

    Return None if there is none, if it can't be read, or if it is for another colour model than the
    grey or RGB of the samples, or doesn't count because code points come before it.
    """
    if isinstance(pixels, Samples):
        profile, model = pixels.profile, pixels.model
        if pixels.cicp is not None:
            return None
    elif isinstance(pixels, Coefficients):
        profile, model = pixels.profile, "grey" if len(pixels.source.qcoefs) == 1 else "rgb"
    else:
        profile = pixels.info.get("icc_profile")
        model = "grey" if pixels.mode == "L" else "rgb"
    if not isinstance(profile, bytes) or model not in {"grey", "rgb"}:
        return None
    return None if find_effect(profile, model) == "none" else profile


def to_picture(pixels: Samples | Image.Image, *, keep_colours: bool) -> Image.Image:
    """Return a photo's pixels as mode "L" if it is grey, else "RGB", on white.

    Its colours are in sRGB, or with ``keep_colours`` in its own colour space. A picture that needs no
    conversion is returned as it is.
    """
    if isinstance(pixels, Samples):
        return Image.fromarray(convert(pixels, keep_colours=keep_colours))
    return pixels if keep_colours else convert_picture(pixels)


def convert(samples: Samples, *, keep_colours: bool) -> NDArray[np.uint8]:
    """Return samples as 8-bit pixels, (height, width) if they are grey, else (height, width, 3)."""
    values = samples.values
    conversion = choose_conversion(samples, keep_colours=keep_colours)
    if conversion is None and samples.alpha == "none" and values.dtype == np.uint8:
        return np.asarray(values[..., 0] if samples.model == "grey" else values, np.uint8)
    height, width = values.shape[:2]
    channels = 1 if samples.model == "grey" else 3
    pixels = np.empty((height, width, channels), np.uint8)
    rows = max(1, max(SMALL_BAND_PIXELS, height * width // BANDS) // width)
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        pixels[band] = convert_band(values[band], samples, conversion)
    return pixels[..., 0] if channels == 1 else pixels


def convert_band(
    band: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32],
    samples: Samples,
    conversion: Conversion | None,
) -> NDArray[np.uint8]:
    """Return some rows of ``samples`` as 8-bit pixels."""
    values, alpha = to_integers(band), None
    if samples.alpha != "none":
        values, alpha = values[..., :-1], values[..., -1]
        if alpha.min() == np.iinfo(alpha.dtype).max:
            alpha = None
    if alpha is not None and samples.alpha == "premultiplied":
        values = unmultiply(values, alpha)
    if conversion is not None:
        values = conversion(values)
    return to_8_bits(values) if alpha is None else flatten(values, alpha)
