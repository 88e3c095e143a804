"""JPEG in, JPEG out: the encoder's pipeline from a source's own coefficients.

Nothing is decoded to 8-bit samples and transformed again, so there is no second generation of
rounding; and what quantization has lost already is not paid for a second time.
"""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg import encode as encoder
from codec.jpeg.decode.coefficients import Source, read_source
from codec.jpeg.encode import check_image, drop_flat_map, guess_first_step, search_file
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.requantization import measure_noise
from codec.jpeg.quantize.tuning import tune
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.rate_control.target import set_goal
from codec.jpeg.syntax.component import LUMA
from codec.jpeg.transcode.components import split_source
from codec.jpeg.transcode.lossless import rewrite
from codec.settings import Encoded, EncodeSettings, OutOfReachError

LEAST_SAVING: Final = 0.03
"""Share of the bytes that a loss has to save."""
NOISE_SHARE: Final = 0.02
"""Share of the source's own errors that the reference's may be exceeded by: 0.1 dB beside the original."""
FIRST_STEP: Final = 1.5
"""Steps that a search starts from at least, in luma's first one of the source."""
FULL_CHROMA_FROM: Final = 80
"""Quality from which on a target of bytes is better filled with chroma as it is than halved."""
# Of a file that is only written again, over what it was: enough to see that it needn't be tried.
_SHORTEST_REWRITE = 0.75


def transcode(
    source: Source,
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    *,
    reference_bytes: int | None = None,
) -> Encoded:
    """Encode a source as `encode` does its pixels, or return its coefficients as they are.

    They are kept where they fit a target of bytes, and where quantizing them again saves less than
    3 %: written anew, or as `source.stripped` where that is no longer. A baseline source may then
    stay one although a progressive file is asked for, not the other way round.

    Chroma that is finer than 4:2:0 becomes 4:2:0 by "420", and by "auto" where that serves the
    target better; "444" keeps it. Coarser chroma stays: no resampling adds to it.

    Args:
        source: the coefficients.
        image: what a decoder shows of them, as for `encode`: the reference is made of it.
        saliency: as for `encode`.
        settings: see EncodeSettings.
        reference_bytes: as for `encode`.

    Raises:
        ValueError: as `encode`, or the image's sides are not the source's.
        OutOfReachError: as `encode`.
    """
    check_image(image)
    if image.shape[:2] != (source.height, source.width):
        raise ValueError(f"image has shape {image.shape}, not the source's")
    saliency, settings = drop_flat_map(saliency, settings)
    tuning = tune(settings.strength)
    if reference_bytes is None:
        reference_bytes = measure_reference(image, settings.quality)
    components = split_source(*(source, saliency, tuning), subsample=_is_halved(settings))
    blocks = Blocks(components)
    goal = set_goal(settings, blocks, reference_bytes)
    if goal.allowed is not None:
        goal = goal.allow_noise(measure_noise(components), NOISE_SHARE)
    kept = _keep(source, settings, goal.limit_bytes)
    if kept is not None and goal.allowed is None:
        return Encoded(kept, reference_bytes, 0)
    step = max(
        guess_first_step(settings, reference_bytes, source.width * source.height),
        FIRST_STEP * float(source.quant_tables[LUMA][0]),
    )
    try:
        size_px = (source.width, source.height)
        found = search_file(size_px, blocks, tuning, goal, step, reference_bytes, settings)
    except OutOfReachError:
        if kept is None:
            raise
        return Encoded(kept, reference_bytes, 0)
    if kept is not None and len(found.jpeg) > len(kept) * (1.0 - LEAST_SAVING):
        return Encoded(kept, reference_bytes, found.passes)
    return found


def _is_halved(settings: EncodeSettings) -> bool:
    """Return whether chroma becomes 4:2:0 wherever it is quantized again.

    The reference is 4:2:0, so that is as good, and shorter. Its bytes, where they are to be filled,
    can't pay for more at low qualities either.
    """
    if settings.subsampling == "auto":
        return settings.target == "quality" or settings.quality < FULL_CHROMA_FROM
    return settings.subsampling == "420"


def _keep(source: Source, settings: EncodeSettings, limit_bytes: float) -> bytes | None:
    """Return the shortest file of the source's own coefficients, if it may be and fits."""
    finer = len(source.qcoefs) > 1 and (source.horizontal, source.vertical) != (2, 2)
    if (finer and settings.subsampling == "420") or (
        len(source.stripped) * _SHORTEST_REWRITE > limit_bytes
    ):
        return None
    kept = rewrite(source, progressive=settings.progressive)
    may_stay = not source.is_turned and (settings.progressive or not source.is_progressive)
    if may_stay and len(source.stripped) <= len(kept):
        kept = source.stripped
    return kept if len(kept) <= limit_bytes else None


def warm_up() -> None:
    """Compile or load every kernel, those of `encode` too, so that no later photo waits for it."""
    encoder.warm_up()
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    for progressive in (False, True):
        file = io.BytesIO()
        Image.fromarray(ramp).save(file, "JPEG", subsampling="4:4:4", progressive=progressive)
        settings = EncodeSettings(quality=50, progressive=progressive, target="quality")
        transcode(read_source(file.getvalue()), ramp, saliency, settings)
