"""The binary form of a gain map's numbers (ISO 21496-1:2025, annex C), in APP2 of its JPEG."""

import struct
from fractions import Fraction
from typing import Final

from worker.image.gain_map.numbers import (
    ChannelNumbers,
    GainMapNumbers,
    InvalidGainMapError,
    check,
)

NAME: Final = b"urn:iso:std:iso:ts:21496:-1\0"
# The smallest version that a reader must know, and the writer's: in the photo it stands alone.
VERSION: Final = struct.pack(">HH", 0, 0)
THREE_CHANNELS, BASE_COLOURS = 0x80, 0x40
# Flags of drafts, as libultrahdr reads them (gainmapmetadata.cpp).
BACKWARD, COMMON_DENOMINATOR = 0x04, 0x08
# Numerators of headrooms and gamma have no sign.
HEADROOMS, CHANNEL = "II", "iiIii"


def read(payload: bytes) -> GainMapNumbers:
    """Return the numbers in a segment's content behind its name.

    Raises:
        InvalidGainMapError: when it is truncated, of a newer version, or out of range.
    """
    try:
        minimum_version, _, flags = struct.unpack_from(">HHB", payload)
        if minimum_version != 0 or flags & BACKWARD:
            raise InvalidGainMapError("the gain map is of an unknown kind")
        channel_count = 3 if flags & THREE_CHANNELS else 1
        fields = HEADROOMS + CHANNEL * channel_count
        if flags & COMMON_DENOMINATOR:
            denominator, *numerators = struct.unpack_from(">I" + fields, payload, 5)
            values = [Fraction(numerator, denominator) for numerator in numerators]
        else:
            pairs = struct.unpack_from(">" + "".join(field + "I" for field in fields), payload, 5)
            values = [Fraction(*pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]
    except (struct.error, ZeroDivisionError) as error:
        raise InvalidGainMapError("the gain map's metadata is damaged") from error
    channels = tuple(
        ChannelNumbers(*values[at : at + len(CHANNEL)])
        for at in range(len(HEADROOMS), len(values), len(CHANNEL))
    )
    return check(GainMapNumbers(values[0], values[1], channels, bool(flags & BASE_COLOURS)))


def write(numbers: GainMapNumbers) -> bytes:
    """Return a segment's content, without its name."""
    flags = THREE_CHANNELS if len(numbers.channels) > 1 else 0
    if numbers.uses_base_colours:
        flags |= BASE_COLOURS
    values = [numbers.base_headroom, numbers.alternate_headroom]
    for channel in numbers.channels:
        values += channel
    fields = HEADROOMS + CHANNEL * len(numbers.channels)
    pairs = (
        struct.pack(f">{field}I", value.numerator, value.denominator)
        for field, value in zip(fields, values, strict=True)
    )
    return VERSION + bytes((flags,)) + b"".join(pairs)
