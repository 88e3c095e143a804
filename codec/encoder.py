"""The encoder's pipeline: pixels and a saliency map in, a standard JPEG of the goal's size out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.bitstream import write_file, write_header
from codec.chroma import halve
from codec.color import convert_grey, convert_rgb
from codec.component import CHROMA, LUMA, Component
from codec.dct import transform
from codec.goal import coarsen, set_goal
from codec.overshoot import extend_clipped
from codec.passes import Pass, make_tables
from codec.progressive import write_scans
from codec.reference import measure_reference
from codec.scan import write_scan
from codec.search import MAX_PASSES, RateSearch, guess_step, is_coarsest
from codec.settings import Encoded, EncodeSettings, OutOfReachError
from codec.subsampling import is_subsampled
from codec.tuning import Tuning, tune
from codec.weights import normalize_weights, share_salient, weigh_masking, weigh_saliency

MAX_SIDE_PX = 65500
"""Largest width and height that libjpeg writes and reads; SOF could state 35 more (T.81 B.2.2)."""


def encode(
    image: NDArray[np.uint8], saliency: NDArray[np.float32] | None, settings: EncodeSettings
) -> Encoded:
    """Encode `image` in at most the bytes of the standard JPEG, better where `saliency` is high.

    With `target="size"` the file is within ±1 % of the reference's bytes. It is smaller than that
    only where `max_bytes` says so or even the finest quantization can't fill the reference's bytes:
    tiny or flat images, whose headers alone are longer in the reference, and noise near quality
    100. With `target="quality"` it is as small as the errors that `codec.goal` allows let it be.

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        saliency: (h', w') of any size in [0, 1]; None encodes as with strength 0.
        settings: see EncodeSettings.

    Raises:
        ValueError: type, shape or range of an array is wrong, or a side exceeds 65,500 pixels.
        OutOfReachError: even the coarsest quantization takes more than `settings.max_bytes`.
    """
    _check_image(image)
    if saliency is not None:
        _check_saliency(saliency)
    tuning = tune(settings.strength if saliency is not None else 0.0)
    return _encode(np.ascontiguousarray(image), saliency, settings, tuning)


def _encode(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    tuning: Tuning,
) -> Encoded:
    height, width = image.shape[:2]
    reference_bytes = measure_reference(image, settings.quality)
    step = guess_step(settings.quality, reference_bytes, height * width) * coarsen(settings)
    subsample = is_subsampled(image, settings.subsampling)
    components = split_components(image, saliency, subsample, tuning, step)
    goal = set_goal(settings, tuning, components, reference_bytes)
    passes = 0
    while True:
        search = RateSearch(components, tuning, goal, settings.progressive)
        chosen = search.find(step)
        if settings.progressive:
            jpeg = write_scans((width, height), components, chosen.quant_tables, search.scans)
        else:
            jpeg = write_jpeg((width, height), components, chosen, search.qcoefs)
        passes += search.passes
        if len(jpeg) <= goal.limit_bytes:
            return Encoded(jpeg, reference_bytes, passes)
        if is_coarsest(chosen.point) or passes > MAX_PASSES * 3:
            if settings.max_bytes is not None and len(jpeg) > settings.max_bytes:
                raise OutOfReachError(settings.max_bytes, len(jpeg))
            return Encoded(jpeg, reference_bytes, passes)
        # Stuffed bytes are only estimated; in a tiny file two more of them are a percent.
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

    Luma's clipped samples may overshoot for tables of about `step`; None keeps them as they are.
    """
    height, width = image.shape[:2]
    factor = 2 if subsample and image.ndim == 3 else 1
    mcu_px = 8 * factor
    padded = (-(-height // mcu_px) * mcu_px, -(-width // mcu_px) * mcu_px)
    rows, columns = -(-height // 8), -(-width // 8)
    weights = np.ones((padded[0] // 8, padded[1] // 8), np.float32)
    if saliency is not None and tuning.saliency_ratio > 1.0:
        weights[:rows, :columns] = weigh_saliency(
            saliency.astype(np.float32), rows, columns, tuning.saliency_ratio, tuning.rise
        )
    salient = np.ones(weights.shape, np.float32)
    if saliency is not None:
        salient[:rows, :columns] = share_salient(saliency.astype(np.float32), rows, columns)
    if image.ndim == 2:
        planes = [convert_grey(image, *padded)]
    else:
        planes = list(convert_rgb(image, *padded))
    components: list[Component] = []
    while planes:
        plane = planes.pop(0)
        is_chroma = bool(components)
        blocks = 1 if is_chroma else factor
        if is_chroma and factor == 2:
            plane = halve(plane)
        coefs = transform(plane)
        own = halve(weights) if is_chroma and factor == 2 else weights.copy()
        visibility = weigh_masking(plane, coefs, tuning.masking, tuning.masking_floor)
        own *= visibility
        if step is not None and not is_chroma:
            extend_clipped(plane, make_tables(tuning, step, 1)[0], coefs)
        real = (-(-rows * blocks // factor), -(-columns * blocks // factor))
        normalize_weights(own, *real)
        kind = CHROMA if is_chroma else LUMA
        visibility[real[0] :] = 0
        visibility[:, real[1] :] = 0
        shares = halve(salient) if is_chroma and factor == 2 else salient
        components.append(Component(kind, blocks, blocks, *real, coefs, own, shares, visibility))
    return components


def warm_up() -> None:
    """Compile or load every kernel, so that no later encode waits for it."""
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    frozen = ramp.copy()
    frozen.flags.writeable = False  # kernels are compiled for read-only arrays apart
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    for image in (ramp, frozen, ramp[..., 0]):
        for progressive in (False, True):
            # This target measures errors too; what the other one runs is among what it runs.
            encode(image, saliency, EncodeSettings(progressive=progressive, target="quality"))


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8:
        raise ValueError(f"image must be uint8, not {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"image must have shape (h, w) or (h, w, 3), not {image.shape}")
    if not all(1 <= side <= MAX_SIDE_PX for side in image.shape[:2]):
        raise ValueError(f"image sides must lie in 1..{MAX_SIDE_PX}, not {image.shape[:2]}")


def _check_saliency(saliency: NDArray[np.float32]) -> None:
    if saliency.dtype != np.float32:
        raise ValueError(f"saliency must be float32, not {saliency.dtype}")
    if saliency.ndim != 2 or saliency.size == 0:
        raise ValueError(f"saliency must have shape (h, w), not {saliency.shape}")
    # A NaN fails this comparison too.
    if not (saliency.min() >= 0.0 and saliency.max() <= 1.0):
        raise ValueError("saliency must lie in [0, 1]")
