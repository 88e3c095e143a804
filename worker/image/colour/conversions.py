"""Chooses how the samples of a photo become sRGB: by its code points, its profile, or its colour model."""

from collections.abc import Callable
from functools import partial
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from worker.image.colour.cms import Integers, transform
from worker.image.colour.code_points import is_known, is_srgb
from worker.image.colour.flatten import to_16_bits
from worker.image.colour.light import space_of_code_points, space_of_profile
from worker.image.colour.profiles import find_effect
from worker.image.samples import Cicp, ColourModel, Samples

# Takes samples without alpha, (height, width, channels); returns grey ones or RGB.
Conversion = Callable[[Integers], Integers]


def choose_conversion(samples: Samples, *, keep_colours: bool) -> Conversion | None:
    """Return the conversion to sRGB, None if the samples can be taken as they are.

    A profile that is damaged or for another colour model is ignored. With ``keep_colours`` grey and RGB
    samples are not converted.
    """
    model, profile, cicp = samples.model, samples.profile, samples.cicp
    has_own_space = model in {"grey", "rgb"}
    if keep_colours and has_own_space:
        return None
    if cicp is not None and has_own_space and is_known(cicp):
        return None if is_srgb(cicp) else choose_by_code_points(model, cicp)
    if profile is not None and find_effect(profile, model) == "other":
        return choose_by_profile(samples, profile)
    return WITHOUT_PROFILE.get(model)


def choose_by_code_points(model: ColourModel, cicp: Cicp) -> Conversion:
    """Return the conversion by code points that are known."""
    space = space_of_code_points(cicp)
    return grey_table(space.to_srgb, 3) if model == "grey" else by_16_bits(space.to_srgb)


def choose_by_profile(samples: Samples, profile: bytes) -> Conversion:
    """Return the conversion by a profile that can be read and is not sRGB."""
    model = samples.model
    if model == "grey":
        return grey_table(partial(transform, profile=profile, model=model, exact=True), 1)
    convert = partial(transform, profile=profile, model=model)
    if samples.alpha == "none" and samples.values.dtype == np.uint8:
        return convert
    if model != "rgb":
        return by_16_bits(convert)
    space = space_of_profile(profile)
    return by_16_bits(partial(convert, exact=True) if space is None else space.to_srgb)


def by_16_bits(convert: Callable[[NDArray[np.uint16]], Integers]) -> Conversion:
    """Return a conversion that takes samples of 8 bits as well."""
    return lambda values: convert(to_16_bits(values))


def grey_table(convert: Callable[[NDArray[np.uint16]], Integers], channels: int) -> Conversion:
    """Return a conversion of grey by a table, of which ``convert`` makes each level RGB."""
    levels = np.arange(65_536, dtype=np.uint16)[None, :, None]
    table = convert(levels.repeat(channels, axis=2))[0, :, :1]
    return lambda values: table[to_16_bits(values[..., 0])]


def mix_inks(values: Integers) -> Integers:
    """Return CMYK as RGB without a profile: each ink and black take their share of white."""
    full = np.iinfo(values.dtype).max
    light = (full - values).astype(np.float32)
    mixed = np.rint(light[..., :3] * light[..., 3:] * np.float32(1 / full))
    return np.asarray(mixed, np.uint8) if full == 255 else np.asarray(mixed, np.uint16)


# Without a profile Lab is that of ICC's connection space, which has the white D50.
WITHOUT_PROFILE: Final[dict[ColourModel, Conversion]] = {
    "cmyk": mix_inks,
    "lab": partial(transform, profile=imagecodecs.cms_profile("lab4"), model="lab"),
}
