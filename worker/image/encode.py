"""Encodes a photo by its saliency map; converts options to settings, and errors to client errors."""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import codec
from contract.errors import MaxBytesError
from contract.messages import Options
from worker.image.metadata.segments import count_added_bytes, insert

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EncodeInputs:
    """Inputs of an encode that do not depend on the saliency map."""

    source: codec.Source | None
    """The upload's coefficients, if the photo is encoded from them; else None."""
    reference_bytes: int


def prepare_inputs(
    pixels: NDArray[np.uint8], options: Options, *, upload: bytes | None, orientation: int | None
) -> EncodeInputs:
    """Return a photo's inputs; ``upload`` is the ``data`` of its `Item`, ``orientation`` EXIF's."""
    source = None
    if upload is not None and orientation is not None:
        source = read_upright(upload, orientation, pixels)
    return EncodeInputs(source, codec.measure_reference(pixels, options.quality))


def read_upright(data: bytes, orientation: int, pixels: NDArray[np.uint8]) -> codec.Source | None:
    """Return a JPEG's coefficients, made upright by its EXIF ``orientation``, 1 to 8.

    Return None if they can't be read, or don't have the shape of ``pixels``, the decoded photo. The
    photo is then encoded from its pixels.
    """
    try:
        source = codec.apply_orientation(codec.read_source(data), orientation)
    except codec.UnreadableSourceError as error:
        log.debug("encoding pixels: %s", error)
        return None
    shape = (source.height, source.width)
    fits = pixels.shape == (shape if len(source.qcoefs) == 1 else (*shape, 3))
    return source if fits else None


def encode(
    pixels: NDArray[np.uint8],
    saliency: NDArray[np.float32],
    options: Options,
    inputs: EncodeInputs,
    *,
    segments: bytes = b"",
    upload: bytes | None = None,
) -> codec.Encoded:
    """Return a photo's JPEG for ``options``.

    ``pixels`` is (h, w) or (h, w, 3) uint8; ``saliency`` is (h', w') in [0, 1]; ``upload`` is the file
    from which the source in ``inputs`` was read. ``segments`` are metadata for the JPEG: they count
    towards ``max_bytes``, not towards the target.

    Raises:
        MaxBytesError: when no JPEG of this photo has ``max_bytes`` or less.
    """
    max_bytes = options.max_bytes
    added_bytes = count_added_bytes(segments)
    if max_bytes is not None:
        max_bytes = max(1, max_bytes - added_bytes)
    settings = codec.EncodeSettings(
        quality=options.quality,
        target=options.target,
        max_bytes=max_bytes,
        strength=options.strength,
        floor=options.floor,
        subsampling=options.subsampling,
        progressive=options.progressive,
    )
    source, reference_bytes = inputs.source, inputs.reference_bytes
    try:
        if source is not None:
            encoded = codec.transcode(
                source,
                pixels,
                saliency,
                settings,
                reference_bytes=reference_bytes,
            )
        else:
            encoded = codec.encode(pixels, saliency, settings, reference_bytes=reference_bytes)
    except codec.OutOfReachError as error:
        raise MaxBytesError(
            f"max_bytes is {options.max_bytes}; the smallest JPEG of this photo has "
            f"{error.smallest_bytes + added_bytes} bytes."
        ) from error
    if not segments:
        return encoded
    jpeg = insert(encoded.jpeg, segments)
    if options.max_bytes is not None and len(jpeg) > options.max_bytes:
        raise MaxBytesError(
            f"max_bytes is {options.max_bytes}; the metadata alone takes {added_bytes} bytes."
        )
    if (
        source is not None
        and upload is not None
        and is_passthrough(upload, jpeg, encoded, source, options)
    ):
        jpeg = upload
    return replace(encoded, jpeg=jpeg)


def is_passthrough(
    upload: bytes, jpeg: bytes, encoded: codec.Encoded, source: codec.Source, options: Options
) -> bool:
    """Return whether an upload that keeps all its metadata is returned unchanged.

    That is so if the encoder found no smaller scans and the upload is no larger than the new file.
    """
    own_scans = encoded.jpeg == source.stripped and not source.is_reoriented
    return options.metadata == "all" and own_scans and len(upload) <= len(jpeg)
