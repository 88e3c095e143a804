"""Encodes a photo by its saliency map; converts options to settings, and errors to client errors."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import codec
from contract.errors import InvalidOptionError, MaxBytesError
from contract.image_headers.read import read_header
from contract.messages import Options
from worker.image.gain_map.multi_picture import SEGMENT_BYTES, append_picture
from worker.image.limits import END_OF_IMAGE
from worker.image.metadata.items import split_segments
from worker.image.metadata.segments import count_added_bytes, insert


@dataclass(frozen=True, slots=True)
class EncodeInputs:
    """Inputs of an encode that do not depend on the saliency map."""

    source: codec.Source | None
    """The upload's coefficients, if the photo is encoded from them; else None."""
    reference_bytes: int


def prepare_inputs(
    pixels: NDArray[np.uint8] | None,
    options: Options,
    source: codec.Source | None = None,
) -> EncodeInputs:
    """Return a photo's inputs; ``pixels`` are not needed with a ``source``."""
    if source is not None:
        return EncodeInputs(source, codec.measure_source_reference(source, options.quality))
    assert pixels is not None
    return EncodeInputs(None, codec.measure_reference(pixels, options.quality))


def encode(
    pixels: NDArray[np.uint8] | None,
    saliency: NDArray[np.float32],
    options: Options,
    inputs: EncodeInputs,
    *,
    segments: bytes = b"",
    gain_map: bytes = b"",
    upload: bytes | None = None,
    check: Callable[[], None] = lambda: None,
) -> codec.Encoded:
    """Return a photo's file for ``options``.

    ``pixels`` is (h, w) or (h, w, 3) uint8, and not needed with a source; ``saliency`` is (h', w') in
    [0, 1]; ``upload`` is the file from which the source in ``inputs`` was read. ``segments`` are
    metadata for the JPEG, ``gain_map`` is a JPEG to append: they count towards ``max_bytes``, not
    towards the target. ``check`` is called before each pass of a format whose passes are long; what it
    raises ends the encode.

    Raises:
        MaxBytesError: when no file of this photo has ``max_bytes`` or less.
        InvalidOptionError: when a side is too long for the format.
    """
    if options.format == "avif":
        assert pixels is not None
        return encode_avif(
            pixels, saliency, options, inputs, segments=segments, upload=upload, check=check
        )
    max_bytes = options.max_bytes
    added_bytes = count_added_bytes(segments) + (len(gain_map) + SEGMENT_BYTES if gain_map else 0)
    if max_bytes is not None:
        max_bytes = max(1, max_bytes - added_bytes)
    settings = to_settings(options, max_bytes)
    source, reference_bytes = inputs.source, inputs.reference_bytes
    try:
        if source is not None:
            encoded = codec.transcode(
                source,
                None,
                saliency,
                settings,
                reference_bytes=reference_bytes,
            )
        else:
            assert pixels is not None
            encoded = codec.encode(pixels, saliency, settings, reference_bytes=reference_bytes)
    except codec.OutOfReachError as error:
        raise MaxBytesError(
            f"max_bytes is {options.max_bytes}; the smallest JPEG of this photo has "
            f"{error.smallest_bytes + added_bytes} bytes{', with its gain map' if gain_map else ''}."
        ) from error
    if not (segments or gain_map):
        return encoded
    jpeg = insert(encoded.jpeg, segments)
    if gain_map:
        jpeg = append_picture(jpeg, gain_map)
    if options.max_bytes is not None and len(jpeg) > options.max_bytes:
        parts = "metadata and gain map" if gain_map else "the metadata"
        verb = "take" if gain_map else "takes"
        raise MaxBytesError(
            f"max_bytes is {options.max_bytes}; {parts} alone {verb} {added_bytes} bytes."
        )
    if (
        source is not None
        and upload is not None
        and is_passthrough(upload, jpeg, encoded, source, options)
    ):
        jpeg = upload
    return replace(encoded, data=jpeg)


def to_settings(options: Options, max_bytes: int | None) -> codec.EncodeSettings:
    """Return the encoder's settings for ``options`` with another ``max_bytes``."""
    return codec.EncodeSettings(
        quality=options.quality,
        target=options.target,
        max_bytes=max_bytes,
        strength=options.strength,
        tune=options.tune,
        floor=options.floor,
        subsampling=options.subsampling,
        progressive=options.progressive,
    )


def encode_avif(
    pixels: NDArray[np.uint8],
    saliency: NDArray[np.float32],
    options: Options,
    inputs: EncodeInputs,
    *,
    segments: bytes,
    upload: bytes | None,
    check: Callable[[], None],
) -> codec.Encoded:
    """Return a photo's AVIF, as ``encode`` does its JPEG.

    An ``upload`` that is the result of an earlier request with the same options is returned as it is:
    nothing erodes from pass to pass.
    """
    limit_px = codec.FORMATS["avif"].max_side_px
    height, width = pixels.shape[:2]
    if max(width, height) > limit_px:
        raise InvalidOptionError(
            f"'format': an AVIF's sides are at most {limit_px} pixels; this photo has {width}×{height}."
        )
    settings = to_settings(options, options.max_bytes)
    if upload is not None and is_own_avif(upload, settings, options, (width, height)):
        return codec.Encoded(upload, inputs.reference_bytes, 0)
    try:
        return codec.encode_avif(
            pixels,
            saliency,
            settings,
            reference_bytes=inputs.reference_bytes,
            metadata=split_segments(segments),
            label=options.metadata,
            check=check,
        )
    except codec.OutOfReachError as error:
        raise MaxBytesError(
            f"max_bytes is {options.max_bytes}; the smallest AVIF of this photo has "
            f"{error.smallest_bytes} bytes{', with its metadata' if segments else ''}."
        ) from error


def is_passthrough(
    upload: bytes, jpeg: bytes, encoded: codec.Encoded, source: codec.Source, options: Options
) -> bool:
    """Return whether an upload that keeps all its metadata is returned unchanged.

    That is so if the encoder found no smaller scans and the upload is no larger than the new file.
    """
    own_scans = encoded.jpeg == source.stripped and not source.is_reoriented
    is_whole = upload.endswith(END_OF_IMAGE)  # some uploads lack it
    return options.metadata == "all" and own_scans and is_whole and len(upload) <= len(jpeg)


def is_own_avif(
    upload: bytes, settings: codec.EncodeSettings, options: Options, size_px: tuple[int, int]
) -> bool:
    """Return whether an upload is an AVIF of ours, made with these options, and meets them."""
    if not codec.has_mark(upload, settings, options.metadata):
        return False
    header = read_header(upload)
    fits = options.max_bytes is None or len(upload) <= options.max_bytes
    return fits and (header.width_px, header.height_px) == size_px
