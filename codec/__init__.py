"""Saliency-weighted encoders: from pixels to a file of any format, from a JPEG's coefficients to a JPEG."""

from codec.avif.encode import encode as encode_avif
from codec.avif.libaom import NO_METADATA, Metadata
from codec.avif.own_mark import has_mark
from codec.formats import FORMATS, warm_up
from codec.jpeg.decode.coefficients import Source, is_complete, read_source
from codec.jpeg.decode.crop import crop_source
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.decode.orientation import apply_orientation
from codec.jpeg.encode import encode
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.syntax.segment import write_segment
from codec.jpeg.transcode.preview import render_preview
from codec.jpeg.transcode.reference import measure_source_reference
from codec.jpeg.transcode.rendering import render
from codec.jpeg.transcode.transcode import transcode
from codec.saliency_weights import rank_blocks
from codec.settings import Encoded, EncodeSettings, OutOfReachError

__all__ = [
    "FORMATS",
    "NO_METADATA",
    "EncodeSettings",
    "Encoded",
    "Metadata",
    "OutOfReachError",
    "Source",
    "UnreadableSourceError",
    "apply_orientation",
    "crop_source",
    "encode",
    "encode_avif",
    "has_mark",
    "is_complete",
    "measure_reference",
    "measure_source_reference",
    "rank_blocks",
    "read_source",
    "render",
    "render_preview",
    "transcode",
    "warm_up",
    "write_segment",
]
