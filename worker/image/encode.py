"""From a photo to its JPEG: the request's options as settings, a refusal as the client's error."""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import codec
from contract.errors import MaxBytesError
from contract.messages import Options
from worker.image.metadata import insert

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Groundwork:
    """What an encode needs that no map has a say in."""

    source: codec.Source | None
    """The coefficients that the photo was decoded from, where it is encoded from those."""
    reference_bytes: int


def lay_groundwork(
    pixels: NDArray[np.uint8], options: Options, *, upload: bytes | None, orientation: int | None
) -> Groundwork:
    """Return the groundwork for a photo; ``upload`` and its ``orientation`` are as in an `Item`."""
    source = None
    if upload is not None and orientation is not None:
        source = read_upright(upload, orientation, pixels)
    return Groundwork(source, codec.measure_reference(pixels, options.quality))


def read_upright(data: bytes, orientation: int, pixels: NDArray[np.uint8]) -> codec.Source | None:
    """Return a JPEG's own coefficients, turned as EXIF's ``orientation``, 1 to 8, asks for.

    None where they can't be had, or are not those of ``pixels``, its decoded photo: the photo is
    then encoded from its pixels.
    """
    try:
        source = codec.turn(codec.read_source(data), orientation)
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
    groundwork: Groundwork,
    *,
    segments: bytes = b"",
    upload: bytes | None = None,
) -> codec.Encoded:
    """Return a photo's JPEG as ``options`` ask for it.

    ``pixels`` is (h, w) or (h, w, 3); ``saliency`` is (h', w') in [0, 1]; ``upload`` is the file of
    the ``groundwork``'s source, where it has one. ``segments`` are metadata that the JPEG gets:
    ``max_bytes`` counts them, the target doesn't.

    Raises:
        MaxBytesError: when no JPEG of this photo has as few bytes as asked for.
    """
    max_bytes = options.max_bytes
    if max_bytes is not None:
        max_bytes = max(1, max_bytes - len(segments))
    settings = codec.EncodeSettings(
        quality=options.quality,
        target=options.target,
        max_bytes=max_bytes,
        strength=options.strength,
        floor=options.floor,
        subsampling=options.subsampling,
        progressive=options.progressive,
    )
    source, reference_bytes = groundwork.source, groundwork.reference_bytes
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
            f"{error.smallest_bytes + len(segments)} bytes."
        ) from error
    if not segments:
        return encoded
    jpeg = insert(encoded.jpeg, segments)
    if options.max_bytes is not None and len(jpeg) > options.max_bytes:
        raise MaxBytesError(
            f"max_bytes is {options.max_bytes}; the metadata alone takes {len(segments)} bytes."
        )
    if (
        source is not None
        and upload is not None
        and may_pass(upload, jpeg, encoded, source, options)
    ):
        jpeg = upload
    return replace(encoded, jpeg=jpeg)


def may_pass(
    upload: bytes, jpeg: bytes, encoded: codec.Encoded, source: codec.Source, options: Options
) -> bool:
    """Return whether an upload that keeps all its metadata can stay as it is.

    That is where its own scans are the best there is, and it is no longer than what would be sent.
    """
    own_scans = encoded.jpeg == source.stripped and not source.is_turned
    return options.metadata == "all" and own_scans and len(upload) <= len(jpeg)
