"""Entropy-coded segments as restart intervals, without stuffing and markers (T.81 E.2.4, F.1.2.3).

A position is a number of bits from the segment's start. A unit is an MCU, or a block in a scan of one
component.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.decode.marker_segments import UnreadableSourceError

PADDING_BYTES: Final = 640
"""Bytes behind the last interval: more than one block's symbols can take, so that a reader checks
once a block whether it has passed the interval's end."""


@kernel
def is_used_up(at: int, end: int) -> bool:
    """Return whether an interval ends in the byte that holds the position `at`."""
    return 0 <= end - at < 8


@kernel
def enter_unit(
    at: int, interval: int, left: int, interval_units: int, ends: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Enter the scan's next unit, in the next interval where this one has no units left.

    Args:
        at: the position behind the unit before.
        interval: index of the current interval.
        left: units left in it.
        interval_units: units of a whole interval.
        ends: (intervals,) position of each interval's end, which is the next one's start.

    Returns:
        The new values of `at`, `interval` and `left`; −1 for `at` where the interval has unread bytes
        or was read beyond its end.
    """
    if left > 0:
        return at, interval, left - 1
    if not is_used_up(at, ends[interval]):
        return -1, interval, left
    return ends[interval], interval + 1, interval_units - 1


@kernel
def _unstuff(
    data: NDArray[np.uint8], start: int, bits: NDArray[np.uint8], ends: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Fill `bits` and `ends`; return the offset of the marker that ends the scan and both lengths.

    The offset is −1 where a restart marker is out of order, or the file ends first.
    """
    filled = 0
    intervals = 0
    i = start
    while i + 1 < data.size:
        byte = data[i]
        if byte != 0xFF:
            bits[filled] = byte
            filled += 1
            i += 1
            continue
        following = data[i + 1]
        if following == 0:
            bits[filled] = 0xFF
            filled += 1
            i += 2
            continue
        first = i
        while following == 0xFF and i + 2 < data.size:  # fill bytes
            i += 1
            following = data[i + 1]
        ends[intervals] = filled * 8
        intervals += 1
        if following < 0xD0 or following > 0xD7:
            return (first if following != 0 else -1), filled, intervals
        if following != 0xD0 + (intervals - 1) % 8 or intervals == ends.size:
            return -1, filled, intervals
        i += 2
    return -1, filled, intervals


def unstuff(
    data: NDArray[np.uint8], start: int, interval_count: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
    """Return a scan's bytes without stuffing and markers, the ends of its intervals, and its own end.

    Args:
        data: (n,) the file.
        start: offset in bytes of the entropy-coded segment.
        interval_count: number of intervals that the segment must have.

    Returns:
        (m,) the bytes, followed by PADDING_BYTES zeros; (interval_count,) the position of each
        interval's end; the offset in the file of the marker behind the segment.

    Raises:
        UnreadableSourceError: restart markers are missing, out of order or too many, or the file
            ends before the scan does.
    """
    bits = np.empty(data.size - start + PADDING_BYTES, np.uint8)
    ends = np.zeros(interval_count, np.int64)
    end, filled, intervals = _unstuff(data, start, bits, ends)
    if end < 0 or intervals != interval_count:
        raise UnreadableSourceError("a scan is cut off, or its restart markers are wrong")
    bits[filled : filled + PADDING_BYTES] = 0
    return bits[: filled + PADDING_BYTES], ends, end
