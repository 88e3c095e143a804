"""Saliency-weighted JPEG encoder: pixels and a saliency map in, a standard JPEG out."""

from codec.encoder import encode, warm_up
from codec.settings import Encoded, EncodeSettings, OutOfReachError

__all__ = ["EncodeSettings", "Encoded", "OutOfReachError", "encode", "warm_up"]
