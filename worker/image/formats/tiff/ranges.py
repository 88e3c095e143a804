"""Brings signed, deep and floating-point samples to the range of `Samples`, since no tag says theirs."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from worker.image.formats.tiff.directory import Directory

# Samples that are unpacked or converted at once.
BAND_SAMPLES: Final = 1 << 19
# Full intensity of samples of more than 16 bits.
# Of 8, 10, 12, 14 and 16 bits.
FULL_SCALES: Final = (255.0, 1_023.0, 4_095.0, 16_383.0, 65_535.0)
# A number in text, for pixels without a value (GDAL's GeoTIFF driver).
GDAL_NODATA, LONGEST_NODATA_BYTES = 42_113, 64
# Greater floats stand for "no data", as the greatest one does for many programs.
HUGE: Final = 1e30


def bands_of(samples: NDArray[Any]) -> Iterator[slice]:
    """Yield slices of rows."""
    rows = max(1, BAND_SAMPLES // max(1, samples[0].size))
    for row in range(0, len(samples), rows):
        yield slice(row, row + rows)


def read_no_data(directory: Directory) -> float | None:
    """Return the value of pixels without data; None if there is none, or it is huge."""
    text = directory.content(GDAL_NODATA, LONGEST_NODATA_BYTES) or b""
    try:
        value = float(text.strip(b" \0"))
    except ValueError:
        return None
    return value if abs(value) < HUGE else None


def find_extremes(samples: NDArray[Any], zero: float, no_data: float | None) -> tuple[float, float]:
    """Return the lowest and highest sample with data, at most and at least ``zero``."""
    lowest = highest = zero
    for band in bands_of(samples):
        values = samples[band]
        has_data = np.True_ if no_data is None else values != no_data
        lowest = min(lowest, float(values.min(initial=zero, where=has_data)))
        highest = max(highest, float(values.max(initial=zero, where=has_data)))
    return lowest, highest


def settle_signed(samples: NDArray[Any], no_data: float | None = None) -> None:
    """Convert, in place, signed samples that were moved up by half of their range.

    No or few negative samples: 0 is no intensity, and negative ones are clipped, as libvips does.
    Otherwise 0 is half of full intensity, or the samples are in truth unsigned: many writers have
    that wrong. The smoother rows tell which.
    """
    half = samples.dtype.type((int(np.iinfo(samples.dtype).max) + 1) // 2)
    moved_no_data = None if no_data is None else no_data + float(half)
    lowest, highest = find_extremes(samples, int(half), moved_no_data)
    if lowest - float(half) >= -max(highest - float(half), 1) // 8:
        for band in bands_of(samples):
            samples[band] = np.maximum(samples[band], half) - half
        return
    moved = unsigned = 0
    for band in bands_of(samples):
        moved += roughness(samples[band])
        unsigned += roughness(samples[band] ^ half)
    if unsigned < moved:
        samples ^= half


def roughness(samples: NDArray[Any]) -> int:
    """Return the sum of differences between neighbours in rows."""
    return int(np.abs(np.diff(samples.astype(np.int32), axis=1)).sum(dtype=np.int64))


def settle_deep(
    samples: NDArray[np.float32],
    colours: int,
    greatest: float | None = None,
    no_data: float | None = None,
) -> NDArray[np.uint16]:
    """Return samples as uint16. Alpha, the channel after the colours, has a range of its own.

    ``greatest`` is what integers can be; None if the samples are floats.
    """
    scaled = np.empty(samples.shape, np.uint16)
    for channels in (slice(0, colours), slice(colours, None)):
        group = samples[..., channels]
        if group.shape[-1] == 0:
            continue
        full_scale = np.float32(find_full_scale(group, greatest, no_data))
        for band in bands_of(group):
            shares = np.clip(group[band], 0, full_scale) / full_scale
            scaled[band, :, channels] = np.rint(shares * 65_535)
    return scaled


def settle_deep_signed(
    samples: NDArray[np.float32], greatest: float, no_data: float | None = None
) -> None:
    """Move, in place, signed integers up by half of their range if many are negative."""
    lowest, highest = find_extremes(samples, 0, no_data)
    if lowest < -max(highest, 1) / 8:
        samples += np.float32((greatest + 1) / 2)


def find_full_scale(
    samples: NDArray[np.float32], greatest: float | None, no_data: float | None = None
) -> float:
    """Return the value of full intensity: 1, that of 8 to 16 bits, or the greatest.

    Of floats it is 1 unless seven of eight positive samples are greater: highlights may be.
    """
    positive = above = 0
    largest = 0.0
    for band in bands_of(samples):
        values = samples[band]
        counted = (values > 0) & (values < HUGE)
        if no_data is not None:
            counted &= values != np.float32(no_data)
        positive += int(np.count_nonzero(counted))
        above += int(np.count_nonzero(counted & (values > 1)))
        largest = max(largest, float(values.max(initial=0.0, where=counted)))
    if greatest is None and 8 * above <= 7 * positive:
        return 1.0
    return next((full for full in FULL_SCALES if largest <= full), greatest or largest)
