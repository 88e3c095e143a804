"""Converts samples by their photometric interpretation to a model of `Samples`.

TIFF 6.0, sections 4, 5, 16, 20, 21 and 23; Adobe PageMaker 6.0 TIFF Technical Notes (ICCLab).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.layout import (
    CIE_LAB,
    ICC_LAB,
    ITU_LAB,
    PALETTE,
    RGB,
    SEPARATED,
    WHITE_IS_ZERO,
    YCBCR,
    Layout,
)
from worker.image.formats.tiff.ranges import bands_of
from worker.image.samples import ColourModel

COLOR_MAP, DECODE, YCBCR_COEFFICIENTS, REFERENCE_BLACK_WHITE = 320, 433, 529, 532
MODELS: Final[dict[int, ColourModel]] = {
    RGB: "rgb",
    PALETTE: "rgb",
    YCBCR: "rgb",
    SEPARATED: "cmyk",
    CIE_LAB: "lab",
    ICC_LAB: "lab",
    ITU_LAB: "lab",
}
# ITU-R BT.601, and full range: the defaults of section 21.
BT_601: Final = (0.299, 0.587, 0.114)
FULL_RANGE: Final = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
# ITU-T T.42: the defaults of lightness and a* and b*.
ITU_RANGES: Final = (0.0, 100.0, -85.0, 85.0, -75.0, 125.0)


def to_model(
    samples: NDArray[Any], layout: Layout, directory: Directory
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], ColourModel]:
    """Return samples of a model of `Samples`, and the model. The array may be the same, changed.

    Raises:
        CorruptImageError: when a palette is missing or too short.
    """
    model = MODELS.get(layout.photometric, "grey")
    if layout.photometric == PALETTE:
        return look_up(samples, layout, read_palette(directory, layout.bits)), model
    full = int(np.iinfo(samples.dtype).max)
    colours = samples[..., : layout.colours]
    convert: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    if layout.photometric == WHITE_IS_ZERO:
        np.subtract(samples.dtype.type(full), colours, out=colours)
    elif layout.photometric == YCBCR:
        coefficients = read_numbers(directory, YCBCR_COEFFICIENTS, BT_601)
        reference = read_numbers(directory, REFERENCE_BLACK_WHITE, FULL_RANGE)
        convert = partial(ycbcr_to_rgb, full=full, coefficients=coefficients, reference=reference)
    elif layout.photometric == CIE_LAB:
        convert = unsign_chroma
    elif layout.photometric == ICC_LAB and full > 255:
        convert = scale_icc_lab
    elif layout.photometric == ITU_LAB:
        ranges = read_numbers(directory, DECODE, ITU_RANGES)
        convert = partial(itu_to_icc, full=full, ranges=ranges)
    if convert:
        for band in bands_of(colours):
            colours[band] = convert(colours[band])
    return samples, model


def read_numbers(
    directory: Directory, number: int, default: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return the values of a tag, or the default if they are missing or useless."""
    numbers = directory.numbers(number, len(default))
    ranges = numbers.reshape(-1, 2) if len(default) == 6 else None
    is_useless = len(numbers) != len(default) or (
        not numbers.all() if ranges is None else (ranges[:, 0] == ranges[:, 1]).any()
    )
    return np.array(default) if is_useless else numbers


def read_palette(directory: Directory, bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the colours of a palette, (levels, 3): uint8 if all of them have 8 bits.

    They should be multiples of 257. Some writers multiply by 256, some don't multiply at all.

    Raises:
        CorruptImageError: when there is none.
    """
    entries = directory.integers(COLOR_MAP, 3 << bits).astype(np.uint16)
    if len(entries) < 3 or len(entries) % 3:
        raise CorruptImageError("The TIFF has no palette.")
    colours = entries.reshape(3, -1).T
    high, low = colours >> 8, colours & 0xFF
    if not high.any():
        return low.astype(np.uint8)
    return high.astype(np.uint8) if not low.any() or (high == low).all() else colours


def look_up(samples: NDArray[Any], layout: Layout, palette: NDArray[Any]) -> NDArray[Any]:
    """Return the colours of indices, and alpha if any, (height, width, 3 or 4)."""
    height, width, channels = samples.shape
    if int(samples[..., 0].max()) >= len(palette):
        raise CorruptImageError("The TIFF's palette is too short.")
    colours = np.empty((height, width, 2 + channels), palette.dtype)
    deep = int(np.iinfo(palette.dtype).max)
    for band in bands_of(colours):
        colours[band, :, :3] = np.take(palette, samples[band, :, 0], axis=0)
        if channels > 1:
            alpha = samples[band, :, 1].astype(np.uint32)
            colours[band, :, 3] = alpha * deep // ((1 << layout.bits) - 1)
    return colours


def ycbcr_to_rgb(
    ycbcr: NDArray[Any], full: float, coefficients: NDArray[Any], reference: NDArray[Any]
) -> NDArray[np.float32]:
    """Return RGB (TIFF 6.0, section 21); ``reference`` counts in 8 bits."""
    red_weight, green_weight, blue_weight = (np.float32(value) for value in coefficients)
    blacks, whites = reference[0::2].astype(np.float32), reference[1::2].astype(np.float32)
    coding = np.array((255, 127, 127), np.float32)
    eight_bit = ycbcr.astype(np.float32) * np.float32(255 / full)
    luma, blue_chroma, red_chroma = np.moveaxis(
        (eight_bit - blacks) * (coding / (whites - blacks)), -1, 0
    )
    red = luma + red_chroma * (2 - 2 * red_weight)
    blue = luma + blue_chroma * (2 - 2 * blue_weight)
    green = (luma - blue_weight * blue - red_weight * red) / green_weight
    rgb = np.stack((red, green, blue), axis=-1) * np.float32(full / 255)
    return np.rint(np.clip(rgb, 0, full))


def unsign_chroma(lab: NDArray[Any]) -> NDArray[Any]:
    """Return L*, and a* and b* of two's complement as ICC.1 encodes them."""
    unsigned: NDArray[Any] = lab ^ lab.dtype.type((int(np.iinfo(lab.dtype).max) + 1) // 2)
    if lab.dtype == np.uint16:
        # Units of 1/256 from -128 become units of 1/257.
        unsigned = np.rint(np.minimum(unsigned * np.float32(257 / 256), 65_535)).astype(lab.dtype)
    unsigned[..., 0] = lab[..., 0]
    return unsigned


def scale_icc_lab(lab: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return L*, a* and b* of ICC.2:1998, with full lightness at 0xFF00, as ICC.1:2010 encodes them."""
    scaled: NDArray[np.float32] = np.rint(np.minimum(lab * np.float32(257 / 256), 65_535))
    return scaled


def divide_by_alpha(values: NDArray[Any], model: ColourModel) -> None:
    """Undo, in place, that colours with their alpha behind them were multiplied with it."""
    full = np.float32(np.iinfo(values.dtype).max)
    zero = np.zeros(values.shape[-1] - 1, np.float32)
    if model == "lab":
        zero[1:] = full * np.float32(128 / 255)
    for band in bands_of(values):
        alpha = np.maximum(values[band, :, -1:].astype(np.float32), 1) / full
        straight = zero + (values[band, :, :-1] - zero) / alpha
        values[band, :, :-1] = np.rint(np.clip(straight, 0, full))


def itu_to_icc(lab: NDArray[Any], full: float, ranges: NDArray[Any]) -> NDArray[np.float32]:
    """Return L*, a* and b* of a range of their own as ICC.1 encodes them."""
    lowest, highest = ranges[0::2].astype(np.float32), ranges[1::2].astype(np.float32)
    values = lowest + lab.astype(np.float32) / np.float32(full) * (highest - lowest)
    encoded = (values + np.array((0, 128, 128), np.float32)) * np.array(
        (full / 100, full / 255, full / 255), np.float32
    )
    return np.rint(np.clip(encoded, 0, full))
