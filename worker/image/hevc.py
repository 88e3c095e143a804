"""The size of the pictures of an HEVC bitstream (ITU-T H.265, clauses 7.3.1 and 7.3.2.2)."""

from collections.abc import Iterator
from typing import Final

from contract.image_headers.steps import Steps

SEQUENCE_PARAMETERS: Final = 33
# Up to the size, a sequence parameter set has at most some 100 bytes.
LONGEST_HEAD_BYTES: Final = 160
# General profile and level; those of a sub-layer; zero bits that fill up the list of sub-layers.
GENERAL_BITS, PROFILE_BITS, LEVEL_BITS, MOST_SUB_LAYERS = 96, 88, 8, 8
# Sides are whole numbers of the smallest blocks, of up to 64 pixels; the rest is cut off in units of chroma
# samples (table 6-1, clause 7.4.3.2.1).
MOST_PADDING_PX: Final = 63
CHROMA_444: Final = 3
WIDTH_UNITS, HEIGHT_UNITS = {1: 2, 2: 2}, {1: 2}
# HEVCConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1): fields before the arrays of NAL units.
ARRAYS_AT: Final = 22
# libheif's length of a NAL unit has four bytes, whatever the record says.
LENGTH_BYTES: Final = 4


class Bits:
    """Reads bits one after the other; beyond the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def read(self, count: int) -> int:
        """Return an unsigned integer of ``count`` bits."""
        found = self._bits[self._at : self._at + count].ljust(count, "0")
        self._at += count
        return int(found or "0", 2)

    def read_variable(self) -> int:
        """Return an unsigned integer of variable length (clause 9.2)."""
        one = self._bits.find("1", self._at)
        if one < 0:
            return 0
        zeros = one - self._at
        self._at = one
        return self.read(zeros + 1) - 1


def find_configured_px(record: bytes, steps: Steps) -> int:
    """Return the pixels of the largest picture that a configuration record allows; 0 if none."""
    units, at = [], ARRAYS_AT + 1
    for _ in range(record[ARRAYS_AT] if len(record) > ARRAYS_AT else 0):
        count = int.from_bytes(record[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            steps.take()
            length = int.from_bytes(record[at : at + 2], "big")
            units.append(record[at + 2 : at + 2 + min(length, LONGEST_HEAD_BYTES)])
            at += 2 + length
    return max((read_picture_px(unit) for unit in units), default=0)


def find_coded_px(stream: bytes | memoryview, steps: Steps) -> int:
    """Return the pixels of the largest picture that parameter sets in a bitstream allow; 0 if none.

    Raises:
        TooManyStepsError: when there are too many NAL units.
    """
    return max((read_picture_px(unit) for unit in read_units(stream, steps)), default=0)


def read_units(stream: bytes | memoryview, steps: Steps) -> Iterator[bytes]:
    """Yield the first bytes of each NAL unit."""
    at = 0
    while at + LENGTH_BYTES < len(stream):
        steps.take()
        start = at + LENGTH_BYTES
        length = int.from_bytes(stream[at:start], "big")
        yield bytes(stream[start : start + min(length, LONGEST_HEAD_BYTES)])
        at = start + length


def read_picture_px(unit: bytes) -> int:
    """Return the pixels of a sequence parameter set's pictures, less what fills up the last blocks.

    A NAL unit of another type has 0.
    """
    if len(unit) < 3 or unit[0] >> 1 & 63 != SEQUENCE_PARAMETERS:
        return 0
    bits = Bits(unit[2:].replace(b"\0\0\3", b"\0\0"))
    bits.read(4)
    sub_layers = bits.read(3)
    bits.read(1 + GENERAL_BITS)
    present = [(bits.read(1), bits.read(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.read(2 * (MOST_SUB_LAYERS - sub_layers))
    for has_profile, has_level in present:
        bits.read(PROFILE_BITS * has_profile + LEVEL_BITS * has_level)
    bits.read_variable()
    chroma = bits.read_variable()
    if chroma == CHROMA_444:
        bits.read(1)
    width_px, height_px = bits.read_variable(), bits.read_variable()
    if bits.read(1):
        left, right, top, bottom = (bits.read_variable() for _ in range(4))
        width_px -= min((left + right) * WIDTH_UNITS.get(chroma, 1), MOST_PADDING_PX)
        height_px -= min((top + bottom) * HEIGHT_UNITS.get(chroma, 1), MOST_PADDING_PX)
    return max(width_px, 0) * max(height_px, 0)
