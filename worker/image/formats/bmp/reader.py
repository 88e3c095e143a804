"""Reads a BMP of any depth, with masks or run lengths; what its colours and its alpha mean."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError
from worker.image.formats.bmp.header import DEFAULT_MASKS, INDEXED_DEPTHS, Header, read_header
from worker.image.formats.bmp.runs import unpack_runs
from worker.image.formats.pixels import make_pixels
from worker.image.samples import RawMetadata, StoredPhoto

# Masks are applied to so many pixels at once.
BAND_PX: Final = 1 << 18


def read(data: bytes) -> StoredPhoto:
    """Return the photo in a BMP.

    Raises:
        CorruptImageError: when the header is damaged or pixels are missing.
        UnsupportedImageError: when the pixels are stored in a way that is not supported.
    """
    try:
        header = read_header(data)
    except struct.error as error:
        raise CorruptImageError("The image's header is damaged.") from error
    values = read_runs(data, header) if header.is_run_length_encoded else read_rows(data, header)
    pixels = make_pixels(values, header.profile)
    return StoredPhoto(pixels, metadata=RawMetadata(density=header.density))


def read_rows(data: bytes, header: Header) -> NDArray[Any]:
    """Return samples of rows that each fill whole words of 32 bits.

    Raises:
        CorruptImageError: when more than the last row's padding is missing.
    """
    width_px, height_px, depth = header.width_px, header.height_px, header.depth
    row_bytes = (width_px * depth + 31) // 32 * 4
    rows = data[header.start : header.start + row_bytes * height_px]
    missing_bytes = row_bytes * height_px - len(rows)
    if missing_bytes > row_bytes - (width_px * depth + 7) // 8:
        raise CorruptImageError("The image's data is truncated.")
    rows += bytes(missing_bytes)
    if depth == 16 or (depth == 32 and header.masks[:3] != DEFAULT_MASKS[depth][:3]):
        words = np.frombuffer(rows, f"<u{depth // 8}").reshape(height_px, -1)[:, :width_px]
        return apply_masks(words if header.is_top_down else words[::-1], header.masks)
    mode, raw_mode = {
        1: ("P", "P;1"),
        2: ("P", "P;2"),
        4: ("P", "P;4"),
        8: ("P", "P"),
        24: ("RGB", "BGR"),
        32: ("RGBA", "BGRA"),
    }[depth]
    order = 1 if header.is_top_down else -1
    size_px = width_px, height_px
    values = np.asarray(Image.frombytes(mode, size_px, rows, "raw", raw_mode, row_bytes, order))
    if depth == 32 and (header.masks[3] != DEFAULT_MASKS[depth][3] or is_useless(values[..., 3])):
        return np.ascontiguousarray(values[..., :3])
    return look_up(values, header) if depth in INDEXED_DEPTHS else values


def is_useless(alpha: NDArray[Any]) -> bool:
    """Return whether pixels of 32 bits are all transparent: programs leave alpha so if they don't use it."""
    return not alpha.any()


def look_up(indices: NDArray[np.uint8], header: Header) -> NDArray[np.uint8]:
    """Return the palette's colours as (height, width, 3), or levels as (height, width, 1).

    They are levels if the palette is black and white, or has each level at its place.
    """
    palette = header.palette[: header.colour_count]
    levels = np.array([0, 255]) if len(palette) == 2 else np.arange(len(palette))
    if len(palette) and (palette == levels[:, None]).all():
        return header.palette[:, :1][indices]
    return header.palette[indices]


def apply_masks(words: NDArray[Any], masks: tuple[int, int, int, int]) -> NDArray[Any]:
    """Return the bits of each mask as samples: 8 bits if no mask has more, else 16."""
    shifts = [(mask & -mask).bit_length() - 1 if mask else 0 for mask in masks]
    largest = [mask >> shift for mask, shift in zip(masks, shifts, strict=True)]
    dtype = np.uint8 if max(largest) <= 255 else np.uint16
    full = np.iinfo(dtype).max
    has_alpha = masks[3] != 0 and (words.itemsize == 2 or not is_useless(words & masks[3]))
    height_px, width_px = words.shape
    values = np.zeros((height_px, width_px, 4 if has_alpha else 3), dtype)
    rows = max(1, BAND_PX // width_px)
    for top in range(0, height_px, rows):
        band = words[top : top + rows].astype(np.int64)
        for channel in range(values.shape[2]):
            if masks[channel]:
                samples = (band & masks[channel]) >> shifts[channel]
                scaled = (samples * full + largest[channel] // 2) // largest[channel]
                values[top : top + rows, :, channel] = scaled
    return values


def read_runs(data: bytes, header: Header) -> NDArray[np.uint8]:
    """Return samples of run lengths; pixels that are in no run have colour 0.

    Raises:
        CorruptImageError: when the data ends before the picture.
    """
    size_px = header.height_px, header.width_px
    pixels = np.zeros((*size_px, 3 if header.depth == 24 else 1), np.uint8)
    runs = np.frombuffer(data, np.uint8)[header.start :]
    if not unpack_runs(runs, header.depth, pixels):
        raise CorruptImageError("The image's data is truncated.")
    if not header.is_top_down:
        pixels = pixels[::-1]
    if header.depth in INDEXED_DEPTHS:
        return look_up(pixels[..., 0], header)
    return np.ascontiguousarray(pixels[..., ::-1])
