"""Saliency-weighted JPEG encoder: pixels or a JPEG's coefficients and a map in, a standard JPEG out."""

from codec.encoder import encode
from codec.reference import measure_reference
from codec.segments import UnreadableSourceError
from codec.settings import Encoded, EncodeSettings, OutOfReachError
from codec.source import Source, read_source
from codec.transcode import transcode, warm_up
from codec.turn import turn

__all__ = [
    "EncodeSettings",
    "Encoded",
    "OutOfReachError",
    "Source",
    "UnreadableSourceError",
    "encode",
    "measure_reference",
    "read_source",
    "transcode",
    "turn",
    "warm_up",
]
