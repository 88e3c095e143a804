"""The encoder's pipeline: from pixels and a saliency map to the AVIF that meets the target."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.avif.judge import Judge
from codec.avif.libaom import MAX_SIDE_PX, NO_METADATA, Metadata, count_added_bytes, write_avif
from codec.avif.own_mark import add_mark
from codec.avif.rate_guide import RateGuide
from codec.avif.search import Position, Search
from codec.avif.start import guess_position
from codec.avif.tuning import LARGE_PX, LARGE_SPEED, SPEED, choose_guide_tuning
from codec.jpeg.inputs import check_image, drop_flat_map
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.rate_control.target import CAP_SHARE, TARGET_SHARE, Fit, Goal
from codec.jpeg.transform.subsampling_choice import is_subsampled
from codec.settings import Encoded, EncodeSettings, OutOfReachError, Target

TOLERANCES: Final[dict[Target, float]] = {"size": 0.007, "quality": 0.02}
"""Errors, in logarithms of bytes, that are not corrected. A pass takes longer than 2 % of the bytes are
worth."""


def encode(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    *,
    reference_bytes: int | None = None,
    metadata: Metadata = NO_METADATA,
    label: str = "",
    check: Callable[[], None] = lambda: None,
) -> Encoded:
    """Encode `image` as an AVIF with the targets of a JPEG, better where `saliency` is high.

    `target="size"` aims at the bytes of the reference, the standard JPEG. `target="quality"` aims at
    errors as large as the reference's. `progressive` has no meaning.

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        saliency: (h', w') of any size in [0, 1]; None encodes as with strength 0.
        settings: see EncodeSettings. `max_bytes` includes the metadata, the target does not.
        reference_bytes: the result of `measure_reference`, if already known.
        metadata: what the file holds beside the picture.
        label: what else the file is made with, for its mark (`codec.avif.own_mark`).
        check: called before each encode; what it raises ends this one.

    Raises:
        ValueError: an array has a wrong type, shape or range, or a side exceeds 32,768 pixels.
        OutOfReachError: even the coarsest quantization takes more than `settings.max_bytes`.
    """
    check_image(image)
    if max(image.shape[:2]) > MAX_SIDE_PX:
        raise ValueError(f"image sides must lie in 1..{MAX_SIDE_PX}, not {image.shape[:2]}")
    image = np.ascontiguousarray(image)
    saliency, effective = drop_flat_map(saliency, settings)
    if reference_bytes is None:
        reference_bytes = measure_reference(image, settings.quality)
    tuning = choose_guide_tuning(effective.tune, effective.strength)
    guide = None
    if saliency is not None and effective.strength > 0:
        guide = RateGuide(image, saliency, tuning)
    pixels = image.shape[0] * image.shape[1]
    subsampled = is_subsampled(image, settings.subsampling)
    added_bytes = count_added_bytes(metadata)
    judge = Judge(image, saliency, effective) if settings.target == "quality" else None
    goal = set_goal(settings, judge, reference_bytes, added_bytes)

    def write(position: Position) -> bytes:
        check()
        rates = None if guide is None else guide.write(*position)
        is_large = rates is None and pixels > LARGE_PX
        avif = write_avif(
            image,
            position.level,
            rates,
            metric=tuning.metric,
            subsampled=subsampled,
            metadata=metadata,
            speed=LARGE_SPEED if is_large else SPEED,
        )
        return add_mark(avif, settings, label)

    def compare(avif: bytes) -> Fit:
        own_bytes = len(avif) - added_bytes
        return goal.compare(own_bytes, None if judge is None else judge.measure(avif))

    first = guess_position(effective, reference_bytes, goal.target_bytes, pixels)
    search = Search(
        write,
        compare,
        goal.limit_bytes + added_bytes,
        tolerance=TOLERANCES[settings.target],
        # Quality alone needs no such precision.
        may_shift=(judge is None or settings.max_bytes is not None)
        and guide is not None
        and guide.may_shift,
    )
    avif = search.find(first)
    if settings.max_bytes is not None and len(avif) > settings.max_bytes:
        raise OutOfReachError(settings.max_bytes, len(avif))
    return Encoded(avif, reference_bytes, len(search.trials))


def set_goal(
    settings: EncodeSettings, judge: Judge | None, reference_bytes: int, added_bytes: int
) -> Goal:
    """Return what the file, without its metadata, has to meet."""
    if settings.max_bytes is not None:
        settings = replace(settings, max_bytes=max(1, settings.max_bytes - added_bytes))
    if judge is not None:
        return judge.set_goal(settings, reference_bytes)
    cap = math.inf if settings.max_bytes is None else settings.max_bytes
    target = min(reference_bytes * TARGET_SHARE, cap * CAP_SHARE)
    return Goal(target, min(reference_bytes * 1.01, cap))


def warm_up() -> None:
    """Compile or load every kernel, so that no later encode waits for one."""
    ramp = np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)
    frozen = ramp.copy()
    frozen.flags.writeable = False  # numba compiles a kernel again for read-only arrays
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    for image in (ramp, frozen, ramp[..., 0]):
        encode(image, saliency, EncodeSettings(target="quality"))
