"""An image as the encoder's components: transformed samples with the weights of their blocks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.block_weights import assemble, map_blocks, mask_blocks
from codec.jpeg.quantize.masking import weigh_darkness
from codec.jpeg.quantize.steps import make_tables
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.transform.chroma_resampling import subsample_plane
from codec.jpeg.transform.color import convert_grey, convert_rgb
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.deringing import extend_clipped

_STRIPE_SAMPLES: Final = 1 << 16
"""Luma samples of a stripe: three float32 planes of this size fit into a core's L2 cache."""


def split_components(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    subsample: bool,
    tuning: Tuning,
    step: float | None = None,
) -> list[Component]:
    """Return the transformed components with their block_weights, Y first.

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        saliency: (h', w') of any size in [0, 1], or None.
        subsample: whether chroma is 4:2:0 instead of 4:4:4.
        tuning: the constants of the encode.
        step: approximate table scale of the file, for deringing; None switches deringing off.
    """
    height, width = image.shape[:2]
    factor = 2 if subsample and image.ndim == 3 else 1
    mcu_px = 8 * factor
    padded = (-(-height // mcu_px) * mcu_px, -(-width // mcu_px) * mcu_px)
    blocks = map_blocks(saliency, tuning, (width, height), (padded[0] // 8, padded[1] // 8))
    transformed = _transform_stripes(image, padded, factor, tuning, step)
    dark = weigh_darkness(transformed[0][0], tuning.darkness)
    return [
        assemble(CHROMA if i else LUMA, coefs, masking, blocks, (factor, factor), dark=dark)
        for i, (coefs, masking) in enumerate(transformed)
    ]


def _transform_stripes(
    image: NDArray[np.uint8],
    padded: tuple[int, int],
    factor: int,
    tuning: Tuning,
    step: float | None,
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return the coefs (blocks_y, blocks_x, 64) and masking (blocks_y, blocks_x) of each component.

    Samples are computed for a few rows of MCUs at a time: whole planes would double the memory of an
    encode, and would not stay in the processor's cache from one stage to the next.
    """
    height, width = padded
    chroma = [(height // factor, width // factor)] * (0 if image.ndim == 2 else 2)
    sides = [(height, width), *chroma]
    coefs = [np.empty((h // 8, w // 8, 64), np.float32) for h, w in sides]
    maskings = [np.empty((h // 8, w // 8), np.float32) for h, w in sides]
    stripe_rows = max(_STRIPE_SAMPLES // width // (8 * factor), 1) * 8 * factor
    for top in range(0, height, stripe_rows):
        bottom = min(top + stripe_rows, height)
        # Sharpening reads one row of chroma beyond the stripe on either side.
        start, end = max(top - factor, 0), min(bottom + factor, height)
        if image.ndim == 2:
            planes = [convert_grey(image[start:end], end - start, width)]
        else:
            planes = list(convert_rgb(image[start:end], end - start, width))
        for i, plane in enumerate(planes):
            pitch = factor if i else 1
            if pitch == 2:
                plane = subsample_plane(plane)  # noqa: PLW2901 -- the full plane is no longer needed
            stripe = plane[(top - start) // pitch : (bottom - start) // pitch]
            rows = np.s_[top // pitch // 8 : bottom // pitch // 8]
            transform(stripe, coefs[i][rows])
            maskings[i][rows] = mask_blocks(CHROMA if i else LUMA, coefs[i][rows], tuning)
            if step is not None and i == 0:
                extend_clipped(stripe, make_tables(tuning, step, 1)[0], coefs[0][rows])
    return list(zip(coefs, maskings, strict=True))
