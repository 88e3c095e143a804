"""The encoder's pipeline: from pixels and a saliency map to the JPEG that meets the target."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.block_weights import assemble, map_blocks, mask_blocks
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.masking import weigh_darkness
from codec.jpeg.quantize.rdoq import count_ac_symbols
from codec.jpeg.quantize.steps import make_tables
from codec.jpeg.quantize.tuning import Tuning, tune
from codec.jpeg.rate_control.passes import Pass
from codec.jpeg.rate_control.rate_search import (
    MAX_PASSES,
    RateSearch,
    guess_step,
    is_coarsest,
    is_finest,
)
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.rate_control.target import Goal, estimate_step_factor, set_goal
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.transform.chroma_resampling import subsample_plane
from codec.jpeg.transform.color import convert_grey, convert_rgb
from codec.jpeg.transform.dct import transform
from codec.jpeg.transform.deringing import extend_clipped
from codec.jpeg.transform.subsampling_choice import is_subsampled
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.coded_scan import code_script
from codec.jpeg.write.marker_segments import write_file, write_header
from codec.jpeg.write.progressive import write_scans
from codec.saliency_weights import is_flat
from codec.settings import Encoded, EncodeSettings, OutOfReachError

MAX_SIDE_PX = 65500
"""Largest width and height that libjpeg writes and reads; SOF could state 35 more (T.81 B.2.2)."""

_STRIPE_SAMPLES = 1 << 16  # of luma: three such planes of float32 fit into a core's L2 cache


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
    saliency, settings = drop_flat_map(saliency, settings)
    tuning = tune(settings.strength)
    return encode_tuned(
        np.ascontiguousarray(image),
        saliency,
        settings,
        tuning,
        reference_bytes=reference_bytes,
    )


def drop_flat_map(
    saliency: NDArray[np.float32] | None, settings: EncodeSettings
) -> tuple[NDArray[np.float32] | None, EncodeSettings]:
    """Return the arguments, or no map and strength 0 where the map is missing or constant.

    Strength acts without a map, too: it selects the tuning above its default, and the step at which
    a search with `target="quality"` starts.

    Raises:
        ValueError: the map's type, shape or range is wrong.
    """
    if saliency is not None:
        check_saliency(saliency)
        if not is_flat(saliency):
            return saliency, settings
    return None, replace(settings, strength=0.0)


def encode_tuned(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    tuning: Tuning,
    *,
    reference_bytes: int | None = None,
) -> Encoded:
    """Encode as `encode` does, with checked arguments and a tuning of the caller's."""
    height, width = image.shape[:2]
    if reference_bytes is None:
        reference_bytes = measure_reference(image, settings.quality)
    step = guess_first_step(settings, reference_bytes, height * width)
    subsample = is_subsampled(image, settings.subsampling)
    components = split_components(image, saliency, subsample, tuning, step)
    blocks = Blocks(components)
    goal = set_goal(settings, blocks, reference_bytes)
    return search_file((width, height), blocks, tuning, goal, step, reference_bytes, settings)


def guess_first_step(settings: EncodeSettings, reference_bytes: int, pixels: int) -> float:
    """Return the table scale at which a search starts."""
    return guess_step(settings.quality, reference_bytes, pixels) * estimate_step_factor(settings)


def search_file(  # noqa: PLR0917
    size_px: tuple[int, int],
    blocks: Blocks,
    tuning: Tuning,
    goal: Goal,
    step: float,
    reference_bytes: int,
    settings: EncodeSettings,
) -> Encoded:
    """Return the file of `blocks` that meets `goal`; the search starts at the table scale `step`.

    `size_px` is (width, height).

    Raises:
        OutOfReachError: as `encode`.
    """
    passes = 0
    while True:
        search = RateSearch(blocks, tuning, goal, settings.progressive)
        chosen = search.find(step) if passes <= MAX_PASSES * 3 else search.run_coarsest()
        passes += search.passes
        components, qcoefs = blocks.components, blocks.read()
        if settings.progressive:
            scans = code_script(search.script, components, qcoefs)
            jpeg = write_scans(size_px, components, chosen.quant_tables, scans)
        else:
            jpeg = write_jpeg(size_px, components, chosen, qcoefs)
        if len(jpeg) <= goal.limit_bytes:
            if len(jpeg) >= goal.least_bytes or is_finest(chosen.point):
                return Encoded(jpeg, reference_bytes, passes)
            goal = goal.loosen(len(jpeg))
            step = chosen.point.table_scale
            continue
        may_return = settings.max_bytes is None or len(jpeg) <= settings.max_bytes
        is_last = is_coarsest(chosen.point)
        if may_return and (is_last or passes > MAX_PASSES * 3):
            return Encoded(jpeg, reference_bytes, passes)
        if is_last and settings.max_bytes is not None:
            raise OutOfReachError(settings.max_bytes, len(jpeg))
        # More bytes were stuffed than estimated; in a tiny file two bytes are one percent.
        goal = goal.tighten()
        step = chosen.point.table_scale


def write_jpeg(
    size_px: tuple[int, int],
    components: Sequence[Component],
    chosen: Pass,
    qcoefs: Sequence[NDArray[np.int16]],
) -> bytes:
    """Return the baseline file of one pass; `size_px` is (width, height)."""
    header = write_header(
        size_px, components, chosen.quant_tables, chosen.dc_tables, chosen.ac_tables
    )
    scan = write_scan(components, qcoefs, chosen.dc_tables, chosen.ac_tables, chosen.scan_bits)
    return write_file(header, scan)


def split_components(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    subsample: bool,
    tuning: Tuning,
    step: float | None = None,
) -> list[Component]:
    """Return the transformed components with their block_weights, Y first.

    `step` is about the table scale of the file, which deringing needs; None switches deringing off.
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
    """Return coefs and masking of each component.

    Samples are computed for a few rows of MCUs at a time: whole planes would double the memory of an
    encode, and would not stay in the processor's cache from one stage to the next.
    """
    height, width = padded
    chroma = [(height // factor, width // factor)] * (0 if image.ndim == 2 else 2)
    sides = [(height, width), *chroma]
    coefs = [np.empty((h // 8, w // 8, 64), np.float32) for h, w in sides]
    maskings = [np.empty((h // 8, w // 8), np.float32) for h, w in sides]
    stripe = max(_STRIPE_SAMPLES // width // (8 * factor), 1) * 8 * factor
    for top in range(0, height, stripe):
        bottom = min(top + stripe, height)
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
            own = plane[(top - start) // pitch : (bottom - start) // pitch]
            rows = np.s_[top // pitch // 8 : bottom // pitch // 8]
            transform(own, coefs[i][rows])
            maskings[i][rows] = mask_blocks(CHROMA if i else LUMA, own, coefs[i][rows], tuning)
            if step is not None and i == 0:
                extend_clipped(own, make_tables(tuning, step, 1)[0], coefs[0][rows])
    return list(zip(coefs, maskings, strict=True))


def warm_up() -> None:
    """Compile or load every kernel, so that no later encode waits for one."""
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    frozen = ramp.copy()
    frozen.flags.writeable = False  # numba compiles a kernel again for read-only arrays
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    for image in (ramp, frozen, ramp[..., 0]):
        for progressive in (False, True):
            # `target=quality` runs every kernel that `target=size` runs, and measures errors as well.
            encode(image, saliency, EncodeSettings(progressive=progressive, target="quality"))
    # Called by adjusted passes only, which images as small as these never need.
    count_ac_symbols(np.zeros((1, 1, 64), np.int16), 1, -1, np.zeros(256, np.int64))


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise ValueError unless the image is (h, w) or (h, w, 3) uint8 with sides that a JPEG can have."""
    if image.dtype != np.uint8:
        raise ValueError(f"image must be uint8, not {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"image must have shape (h, w) or (h, w, 3), not {image.shape}")
    if not all(1 <= side <= MAX_SIDE_PX for side in image.shape[:2]):
        raise ValueError(f"image sides must lie in 1..{MAX_SIDE_PX}, not {image.shape[:2]}")


def check_saliency(saliency: NDArray[np.float32]) -> None:
    """Raise ValueError unless the map is (h, w) float32 in [0, 1]."""
    if saliency.dtype != np.float32:
        raise ValueError(f"saliency must be float32, not {saliency.dtype}")
    if saliency.ndim != 2 or saliency.size == 0:
        raise ValueError(f"saliency must have shape (h, w), not {saliency.shape}")
    # A NaN fails this comparison too.
    if not (saliency.min() >= 0.0 and saliency.max() <= 1.0):
        raise ValueError("saliency must lie in [0, 1]")
