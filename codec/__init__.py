"""Saliency-weighted JPEG encoder: from pixels, or from the coefficients of a JPEG, to a standard JPEG."""

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
from codec.jpeg.transcode.transcode import transcode, warm_up
from codec.saliency_weights import rank_blocks
from codec.settings import Encoded, EncodeSettings, OutOfReachError

__all__ = [
    "EncodeSettings",
    "Encoded",
    "OutOfReachError",
    "Source",
    "UnreadableSourceError",
    "apply_orientation",
    "crop_source",
    "encode",
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
