"""The encoder's pipeline: from pixels and a saliency map to the JPEG that meets the target."""

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.components import split_components
from codec.jpeg.file_search import guess_first_step, search_file
from codec.jpeg.inputs import check_image, drop_flat_map
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.rdoq import count_ac_symbols
from codec.jpeg.quantize.tuning import Tuning, tune
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.rate_control.target import set_goal
from codec.jpeg.transform.subsampling_choice import is_subsampled
from codec.settings import Encoded, EncodeSettings


def encode(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    *,
    reference_bytes: int | None = None,
) -> Encoded:
    """Encode `image` in at most the bytes of the standard JPEG, better where `saliency` is high.

    With `target="size"` the file is within ±1 % of the reference's bytes. It is smaller only where
    `max_bytes` requires it, or where even the finest quantization does not fill the reference's
    bytes: tiny or flat images, whose reference is mostly headers, and noise near quality 100. With
    `target="quality"` it is as small as the allowed errors permit (`codec.jpeg.rate_control.target`).

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        saliency: (h', w') of any size in [0, 1]; None encodes as with strength 0.
        settings: see EncodeSettings.
        reference_bytes: the result of `measure_reference`, if already known.

    Raises:
        ValueError: an array has a wrong type, shape or range, or a side exceeds 65,500 pixels.
        OutOfReachError: even the coarsest quantization takes more than `settings.max_bytes`.
    """
    check_image(image)
    saliency, effective = drop_flat_map(saliency, settings)
    tuning = tune(effective.strength)
    return encode_tuned(
        np.ascontiguousarray(image),
        saliency,
        settings,
        tuning,
        reference_bytes=reference_bytes,
    )


def encode_tuned(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    tuning: Tuning,
    *,
    reference_bytes: int | None = None,
) -> Encoded:
    """Encode as `encode` does, with checked arguments and the caller's own `tuning`."""
    height, width = image.shape[:2]
    if reference_bytes is None:
        reference_bytes = measure_reference(image, settings.quality)
    saliency, effective = drop_flat_map(saliency, settings)
    step = guess_first_step(effective, reference_bytes, height * width)
    subsample = is_subsampled(image, settings.subsampling)
    components = split_components(image, saliency, subsample, tuning, step)
    blocks = Blocks(components)
    goal = set_goal(settings, blocks, reference_bytes)
    return search_file((width, height), blocks, tuning, goal, step, reference_bytes, settings)


def warm_up() -> None:
    """Compile or load every kernel, so that no later encode waits for one."""
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    frozen = ramp.copy()
    frozen.flags.writeable = False  # numba compiles a kernel again for read-only arrays
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    for image in (ramp, frozen, ramp[..., 0]):
        for progressive in (False, True):
            encode(image, saliency, EncodeSettings(progressive=progressive, target="quality"))
    # The share of progressive scans is measured with `target=size` only.
    encode(ramp, saliency, EncodeSettings(progressive=True))
    # Called by adjusted passes only, which images as small as these never need.
    count_ac_symbols(np.zeros((1, 1, 64), np.int16), 1, -1, np.zeros(256, np.int64))
