"""Runs Little CMS: relative colorimetric with black point compensation, to sRGB, at 8 or 16 bits."""

from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from worker.image.samples import ColourModel

SRGB: Final[bytes] = imagecodecs.cms_profile("srgb")
NAMES: Final[dict[ColourModel, str]] = {"grey": "gray", "rgb": "rgb", "cmyk": "cmyk", "lab": "lab"}

INTENT: Final = int(imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC)
BLACK_POINT: Final = int(imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION)
EXACT: Final = int(imagecodecs.CMS.FLAGS.NOOPTIMIZE)

Integers = NDArray[np.uint8] | NDArray[np.uint16]


class ProfileError(ValueError):
    """A profile can't be read, or is not for these samples."""


def transform(
    values: Integers,
    profile: bytes,
    model: ColourModel,
    *,
    to: bytes = SRGB,
    exact: bool = False,
) -> Integers:
    """Return samples, (height, width, channels), as RGB in the same depth.

    Little CMS is fast by tables, which hold for 8 bits; ``exact`` goes without.

    Raises:
        ProfileError: when a profile can't be read, or is not for these samples.
    """
    out: Any = np.empty((*values.shape[:2], 3), values.dtype)
    try:
        imagecodecs.cms_transform(
            values[..., 0] if model == "grey" else values,
            profile,
            to,
            colorspace=NAMES[model],
            outcolorspace="rgb",
            intent=INTENT,
            flags=BLACK_POINT | (EXACT if exact else 0),
            out=out,
        )
    except (imagecodecs.CmsError, ValueError) as error:
        raise ProfileError(str(error)) from error
    converted: Integers = out
    return converted
