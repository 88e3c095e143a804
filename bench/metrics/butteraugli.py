"""Butteraugli by libjxl 0.7, if the library is installed.

No Python package contains it. Debian's libjxl0.7 (BSD-3-Clause) exports the interface of
jxl/butteraugli.h; later versions of libjxl do not.
"""

import ctypes
from ctypes import POINTER, c_float, c_int, c_size_t, c_uint32, c_void_p
from functools import cache
from typing import Final

import numpy as np

from bench.metrics import Picture

LIBRARY: Final = "libjxl.so.0.7"
HINT: Final = f"{LIBRARY} is missing (Debian 12: apt install libjxl0.7)"
# libjxl's defaults: a display of 80 nits, the 3-norm.
INTENSITY_NITS: Final = 80.0
HF_ASYMMETRY: Final = 1.0
NORM: Final = 3.0
_UINT8: Final = 2  # JXL_TYPE_UINT8


class _PixelFormat(ctypes.Structure):
    """JxlPixelFormat: uint8 samples, native endianness, rows without padding."""

    _fields_ = (
        ("num_channels", c_uint32),
        ("data_type", c_int),
        ("endianness", c_int),
        ("align", c_size_t),
    )


@cache
def load_library() -> ctypes.CDLL | None:
    """Return the library with its signatures declared; None if it is not installed."""
    try:
        library = ctypes.CDLL(LIBRARY)
        picture = (POINTER(_PixelFormat), c_void_p, c_size_t)
        for name, result, arguments in (
            ("ApiCreate", c_void_p, (c_void_p,)),
            ("ApiSetIntensityTarget", None, (c_void_p, c_float)),
            ("ApiSetHFAsymmetry", None, (c_void_p, c_float)),
            ("ApiDestroy", None, (c_void_p,)),
            ("Compute", c_void_p, (c_void_p, c_uint32, c_uint32, *picture, *picture)),
            ("ResultGetDistance", c_float, (c_void_p, c_float)),
            ("ResultDestroy", None, (c_void_p,)),
        ):
            function = getattr(library, f"JxlButteraugli{name}")
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library


def butteraugli(original: Picture, decoded: Picture) -> float:
    """Return the 3-norm of butteraugli's distance: 0 is the original, 1 about a visible difference.

    Raises:
        RuntimeError: the library is missing or refuses the pictures.
    """
    library = load_library()
    if library is None:
        raise RuntimeError(HINT)
    pictures = [np.ascontiguousarray(picture, np.uint8) for picture in (original, decoded)]
    format_ = _PixelFormat(3, _UINT8, 0, 0)
    first, second = (
        (ctypes.byref(format_), picture.ctypes.data, picture.nbytes) for picture in pictures
    )
    api = library.JxlButteraugliApiCreate(None)
    try:
        library.JxlButteraugliApiSetIntensityTarget(api, INTENSITY_NITS)
        library.JxlButteraugliApiSetHFAsymmetry(api, HF_ASYMMETRY)
        height, width = original.shape[:2]
        result = library.JxlButteraugliCompute(api, width, height, *first, *second)
    finally:
        library.JxlButteraugliApiDestroy(api)
    if not result:
        raise RuntimeError(f"{LIBRARY} refuses pictures of {width}×{height}")
    try:
        return float(library.JxlButteraugliResultGetDistance(result, NORM))
    finally:
        library.JxlButteraugliResultDestroy(result)
