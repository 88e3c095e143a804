"""Unpacks the bytes of rows to samples, and scales samples to 8 or 16 bits.

TIFF 6.0, sections 14 (predictor) and 19 (formats); TIFF Technical Note 3 (floating-point predictor).
"""

import functools
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from contract.errors import UnsupportedImageError
from worker.image.formats.tiff.layout import PALETTE, Layout

HORIZONTAL, FLOATING_POINT = 2, 3


def unpack_rows(
    rows_bytes: memoryview, shape: tuple[int, int, int], layout: Layout
) -> NDArray[Any]:
    """Return samples as stored, of ``shape`` (rows, width, samples), the predictor undone.

    Integers are unsigned: those of signed numbers in two's complement.
    """
    bits, rows = layout.bits, shape[0]
    if layout.predictor == FLOATING_POINT and layout.number_format == "float":
        return undo_floating_point(np.frombuffer(rows_bytes, np.uint8), shape, bits)
    samples: NDArray[Any]
    if bits in {8, 16, 32, 64}:
        stored = np.frombuffer(rows_bytes, np.dtype(f"{layout.order}u{bits // 8}"))
        samples = stored.astype(stored.dtype.newbyteorder("="), copy=False).reshape(shape)
    elif bits == 24:
        samples = unpack_triples(rows_bytes, layout.order).reshape(shape)
    else:
        dtype = "uint8" if bits < 8 else "uint16" if bits < 16 else "uint32"
        row = shape[1] * shape[2]
        samples = imagecodecs.packints_decode(bytes(rows_bytes), dtype, bits, runlen=row)
        samples = samples.reshape(rows, -1)[:, :row].reshape(shape)
    if layout.predictor == HORIZONTAL:
        samples = np.cumsum(samples, axis=1, dtype=samples.dtype)
        if bits not in {8, 16, 32, 64}:
            samples &= samples.dtype.type((1 << bits) - 1)
    elif layout.predictor not in {0, 1}:
        raise UnsupportedImageError("The TIFF's predictor is not supported.")
    return to_floats(samples, bits) if layout.number_format == "float" else samples


def unpack_units(units_bytes: memoryview, rows: int, width: int, layout: Layout) -> NDArray[Any]:
    """Return rows of subsampled YCbCr, (rows, width, 3), each chroma sample repeated."""
    if layout.predictor not in {0, 1}:
        raise UnsupportedImageError("A predictor with subsampled YCbCr is not supported.")
    across, down = layout.subsampling
    dtype = np.dtype(f"{layout.order}u{layout.bits // 8}")
    units = np.frombuffer(units_bytes, dtype).reshape(
        -(-rows // down), -(-width // across), across * down + 2
    )
    luma = units[..., :-2].reshape(*units.shape[:2], down, across).transpose(0, 2, 1, 3)
    samples = np.empty((units.shape[0] * down, units.shape[1] * across, 3), dtype.newbyteorder("="))
    samples[..., 0] = luma.reshape(samples.shape[:2])
    samples[..., 1:] = units[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return samples[:rows, :width]


def unpack_triples(rows_bytes: memoryview, order: str) -> NDArray[Any]:
    """Return numbers of three bytes as uint32."""
    triples = np.frombuffer(rows_bytes, np.uint8).reshape(-1, 3)
    bytes_of = np.zeros((len(triples), 4), np.uint8)
    bytes_of[:, slice(1, 4) if order == ">" else slice(0, 3)] = triples
    return bytes_of.view(f"{order}u4")[:, 0].astype(np.uint32)


def undo_floating_point(
    stored: NDArray[np.uint8], shape: tuple[int, int, int], bits: int
) -> NDArray[Any]:
    """Return floats whose bytes were sorted by significance in each row, then differenced."""
    rows, width, samples = shape
    summed = np.cumsum(stored.reshape(rows, -1, samples), axis=1, dtype=np.uint8)
    by_sample = summed.reshape(rows, bits // 8, width * samples).transpose(0, 2, 1)
    if bits == 24:
        numbers = unpack_triples(memoryview(by_sample.tobytes()), ">")
    else:
        ordered = np.ascontiguousarray(by_sample).view(f">u{bits // 8}")
        numbers = ordered.astype(ordered.dtype.newbyteorder("="))
    return to_floats(numbers.reshape(shape), bits)


def to_floats(numbers: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return floats of 16, 24, 32 or 64 bits from their bits; NaN is 0."""
    if bits == 24:
        # 1 sign, 7 exponent and 16 mantissa bits, the exponent's bias is 63; subnormal numbers are 0.
        exponent = numbers >> 16 & 0x7F
        single = (numbers & 0x800000) << 8 | exponent + 64 << 23 | (numbers & 0xFFFF) << 7
        floats = np.where(exponent > 0, single, 0).astype(np.uint32).view(np.float32)
    else:
        floats = numbers.view(f"f{bits // 8}")
    numbers_only: NDArray[Any] = np.nan_to_num(floats, posinf=np.inf, neginf=-np.inf)
    return numbers_only


def scale(samples: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Return integers scaled to uint8 up to 8 bits, and to uint16 up to 16; others as float32, not scaled.

    Signed integers of up to 16 bits are moved up by half of their range. Indices of a palette are not
    scaled.
    """
    bits = layout.bits
    if layout.dtype is np.float32:
        if layout.number_format == "signed":
            unused = samples.dtype.type(samples.itemsize * 8 - bits)
            samples = (samples << unused).view(f"i{samples.itemsize}") >> unused.astype(np.int64)
        with np.errstate(over="ignore"):
            floats: NDArray[np.float32] = samples.astype(np.float32)
        return floats
    if layout.number_format == "signed":
        samples = samples ^ samples.dtype.type(1 << (bits - 1))
    if layout.photometric == PALETTE or bits in {8, 16}:
        return samples
    scaled: NDArray[Any] = make_table(bits)[samples]
    return scaled


@functools.cache
def make_table(bits: int) -> NDArray[Any]:
    """Return each value of ``bits`` scaled to uint8 or uint16; up to 15 bits."""
    full = 255 if bits < 8 else 65_535
    levels = np.arange(1 << bits, dtype=np.uint64) * full + ((1 << bits) - 1) // 2
    return (levels // ((1 << bits) - 1)).astype(np.uint8 if bits < 8 else np.uint16)
