"""Says what the samples of PNG, GIF, BMP and WebP mean: grey or RGB, and straight alpha."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.image.samples import Cicp, Samples


def make_pixels(
    values: NDArray[Any], profile: bytes | None, cicp: Cicp | None = None
) -> Samples | Image.Image:
    """Return a picture if it needs no more than its profile, else samples.

    Args:
        values: (height, width, channels) in uint8 or uint16: grey or RGB, then alpha if any.
    """
    channels = values.shape[2]
    is_grey, has_alpha = channels <= 2, channels in {2, 4}
    if values.dtype == np.uint8 and not has_alpha and cicp is None:
        picture = Image.fromarray(values[..., 0] if is_grey else values)
        if profile is not None:
            picture.info["icc_profile"] = profile
        return picture
    return Samples(
        values,
        "grey" if is_grey else "rgb",
        "straight" if has_alpha else "none",
        profile,
        cicp,
    )
