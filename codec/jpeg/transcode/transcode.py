"""The encoder's pipeline from a source's coefficients to the JPEG that meets the target.

Samples are never rounded to 8 bits and transformed again, and no bits are spent on coding the errors
of the source's own quantization.
"""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg import encode as encoder
from codec.jpeg.decode.coefficients import Source, read_source
from codec.jpeg.file_search import guess_first_step, search_file
from codec.jpeg.inputs import check_image, drop_flat_map
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.requantization import measure_noise
from codec.jpeg.quantize.tuning import choose_tuning
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.rate_control.target import set_goal
from codec.jpeg.syntax.component import LUMA
from codec.jpeg.syntax.own_mark import HEAD, add_mark, compute_checksum
from codec.jpeg.transcode.components import split_source
from codec.jpeg.transcode.lossless import rewrite
from codec.jpeg.transcode.preview import render_preview
from codec.jpeg.transcode.reference import measure_source_reference
from codec.settings import Encoded, EncodeSettings, OutOfReachError

LEAST_SAVING: Final = 0.03
"""Share of the bytes that quantizing again must save; otherwise the coefficients are kept."""
NOISE_SHARE: Final = 0.02
"""Share of the source's own errors by which a file may exceed the allowed ones, 0.1 dB against the
original. With 0, the search takes up to 21 passes (docs/research/transcoding.md)."""
LEAST_FIRST_STEP: Final = 1.5
"""Smallest table scale at which a search starts, in units of luma's DC step in the source."""
FULL_CHROMA_FROM: Final = 80
"""Quality from which `target=size` keeps chroma finer than 4:2:0 (docs/research/transcoding.md)."""
_SHORTEST_REWRITE: Final = 0.75
"""Smallest expected ratio of the bytes of a lossless rewrite to those of the source. Where even this
would be too long, the rewrite is not made."""


def transcode(
    source: Source,
    image: NDArray[np.uint8] | None,
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    *,
    reference_bytes: int | None = None,
) -> Encoded:
    """Encode a source as `encode` does its pixels, or keep its coefficients.

    A file of ours that was made with the same settings is returned as it is. Otherwise the coefficients
    are kept where they fit a target of bytes, and where quantizing them again saves less than
    3 %. They are then written again, or returned as `source.stripped` where that is no longer. In
    this case the file may be baseline although a progressive one was requested, but not the other
    way round.

    Chroma that is finer than 4:2:0 becomes 4:2:0 by "420", and by "auto" where that serves the
    target better; "444" keeps it. Chroma is never upsampled.

    Args:
        source: the coefficients.
        image: the decoded image, as for `encode`; the reference is made from it. Without it, the
            reference's bytes are estimated (`measure_source_reference`).
        saliency: as for `encode`.
        settings: see EncodeSettings.
        reference_bytes: as for `encode`.

    Raises:
        ValueError: as `encode`, or the image does not have the source's size.
        OutOfReachError: as `encode`.
    """
    if image is not None:
        check_image(image)
        if image.shape[:2] != (source.height, source.width):
            size = (source.height, source.width)
            raise ValueError(f"image must have the source's size {size}, not shape {image.shape}")
    saliency, effective = drop_flat_map(saliency, settings)
    tuning = choose_tuning(effective.tune, effective.strength)
    if reference_bytes is None:
        reference_bytes = (
            measure_source_reference(source, settings.quality)
            if image is None
            else measure_reference(image, settings.quality)
        )
    own = _return_own(source, settings)
    if own is not None:
        return Encoded(own, reference_bytes, 0)
    components = split_source(*(source, saliency, tuning), subsample=_becomes_420(settings))
    blocks = Blocks(components)
    goal = set_goal(settings, blocks, reference_bytes)
    if goal.allowed is not None:
        goal = goal.allow_noise(measure_noise(components), NOISE_SHARE)
    lossless = _write_lossless(source, settings, goal.limit_bytes)
    if lossless is not None and goal.allowed is None:
        return Encoded(lossless, reference_bytes, 0)
    step = max(
        guess_first_step(effective, reference_bytes, source.width * source.height),
        LEAST_FIRST_STEP * float(source.quant_tables[LUMA][0]),
    )
    try:
        size_px = (source.width, source.height)
        found = search_file(size_px, blocks, tuning, goal, step, reference_bytes, settings)
    except OutOfReachError:
        if lossless is None:
            raise
        return Encoded(lossless, reference_bytes, 0)
    if lossless is not None and len(found.jpeg) > len(lossless) * (1.0 - LEAST_SAVING):
        return Encoded(lossless, reference_bytes, found.passes)
    return found


def _return_own(source: Source, settings: EncodeSettings) -> bytes | None:
    """Return the source's file if it is one of ours made with `settings`, and fits; otherwise None.

    Its bytes are those of the first original's reference, so `reference_bytes` may be a little fewer.
    """
    jpeg = source.stripped
    # Another file with a mark is forged, and the mark would end up inside of a segment.
    if not jpeg.startswith(HEAD) or source.own_checksum != compute_checksum(jpeg, settings):
        return None
    if source.is_reoriented:
        jpeg = rewrite(source, progressive=settings.progressive)
    jpeg = add_mark(jpeg, settings)
    fits = settings.max_bytes is None or len(jpeg) <= settings.max_bytes
    return jpeg if fits else None


def _becomes_420(settings: EncodeSettings) -> bool:
    """Return whether chroma becomes 4:2:0 where coefficients are quantized again.

    With `target=quality` 4:2:0 is as good as the reference, which is 4:2:0, and takes fewer bytes.
    With `target=size` the reference's bytes are too few for finer chroma at low qualities.
    """
    if settings.subsampling == "auto":
        return settings.target == "quality" or settings.quality < FULL_CHROMA_FROM
    return settings.subsampling == "420"


def _write_lossless(source: Source, settings: EncodeSettings, limit_bytes: float) -> bytes | None:
    """Return the shortest file of the source's coefficients; None if no such file is allowed or fits."""
    finer = len(source.qcoefs) > 1 and (source.horizontal, source.vertical) != (2, 2)
    if (finer and settings.subsampling == "420") or (
        len(source.stripped) * _SHORTEST_REWRITE > limit_bytes
    ):
        return None
    jpeg = add_mark(rewrite(source, progressive=settings.progressive), settings)
    may_return_source = not source.is_reoriented and (
        settings.progressive or not source.is_progressive
    )
    if may_return_source and len(source.stripped) <= len(jpeg):
        jpeg = source.stripped
    return jpeg if len(jpeg) <= limit_bytes else None


def warm_up() -> None:
    """Compile or load every kernel, those of `encode` too, so that no later call waits for one."""
    encoder.warm_up()
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    for progressive in (False, True):
        file = io.BytesIO()
        Image.fromarray(ramp).save(file, "JPEG", subsampling="4:4:4", progressive=progressive)
        settings = EncodeSettings(quality=50, progressive=progressive, target="quality")
        transcode(read_source(file.getvalue()), ramp, saliency, settings)
    file = io.BytesIO()
    # Large enough for a reference by tiles.
    Image.new("RGB", (192, 1536)).save(file, "JPEG")
    source = read_source(file.getvalue())
    measure_source_reference(source, 50)
    render_preview(source, (96, 768))
