"""The size of the frames of an AV1 bitstream (AV1 specification, clauses 5.5, 5.9.2 and 5.10)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from contract.image_headers.steps import Steps

SEQUENCE_HEADER, FRAME_HEADER, FRAME, REDUNDANT_FRAME_HEADER = 1, 3, 6, 7
KEY_FRAME, SWITCH_FRAME = 0, 3
# A sequence header has at most 32 operating points of some 90 bits.
LONGEST_HEADER_BYTES: Final = 512
SELECTED_LATER: Final = 2


class Bits:
    """Reads bits of an OBU one after the other; beyond its end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data.ljust(LONGEST_HEADER_BYTES, b"\0"), "big")
        self._left = 8 * LONGEST_HEADER_BYTES

    def read(self, count: int) -> int:
        """Return an unsigned integer of ``count`` bits."""
        self._left = max(self._left - count, 0)
        return self._bits >> self._left & ((1 << count) - 1)

    def skip_variable(self) -> None:
        """Skip a number of variable length (clause 4.10.3)."""
        zeros = 0
        while not self.read(1) and self._left:
            zeros += 1
        self.read(zeros)


@dataclass(frozen=True, slots=True)
class Sequence:
    """What the frame headers of a sequence depend on."""

    frame_px: int
    """Pixels of the frames, unless a frame header has a size of its own."""
    largest_px: int
    """Pixels of the largest frame that a frame header can have."""
    is_reduced: bool
    """Whether it is that of a still picture, whose frame header has no size of its own."""
    time_bits: int
    """Bits of a shown frame's presentation time."""
    screen_content: int
    """seq_force_screen_content_tools; SELECTED_LATER if each frame header has it."""
    integer_motion: int
    """seq_force_integer_mv; SELECTED_LATER if each frame header has it."""
    number_bits: int
    """Bits of a frame's id; 0 without ids."""


def find_largest_frame_px(data: bytes | memoryview, steps: Steps) -> int:
    """Return the pixels of the largest frame that a bitstream can have; 0 if it has none.

    Raises:
        TooManyStepsError: when there are too many OBUs.
    """
    sequence, largest_px = None, 0
    for kind, head in read_obus(data, steps):
        if kind == SEQUENCE_HEADER:
            sequence = read_sequence(Bits(head))
            largest_px = max(largest_px, sequence.frame_px)
        elif (
            kind in {FRAME_HEADER, FRAME, REDUNDANT_FRAME_HEADER}
            and sequence
            and has_own_size(Bits(head), sequence)
        ):
            largest_px = max(largest_px, sequence.largest_px)
    return largest_px


def read_obus(data: bytes | memoryview, steps: Steps) -> Iterator[tuple[int, bytes]]:
    """Yield the type and first bytes of each OBU (clause 5.3)."""
    position = 0
    while position < len(data):
        steps.take()
        head = data[position]
        position += 2 if head & 0b100 else 1
        size, shift = 0, 0
        if head & 0b10:
            while shift < 56 and position < len(data):
                byte = data[position]
                size |= (byte & 0x7F) << shift
                shift += 7
                position += 1
                if byte < 0x80:
                    break
        else:
            size = len(data) - position
        end = min(position + size, position + LONGEST_HEADER_BYTES)
        yield head >> 3 & 0xF, bytes(data[position:end])
        position += size


def read_sequence(bits: Bits) -> Sequence:
    """Read a sequence header (clause 5.5.1) up to its fields on motion vectors."""
    bits.read(4)
    is_reduced = bool(bits.read(1))
    time_bits = 0
    if is_reduced:
        bits.read(5)
    else:
        time_bits = skip_operating_points(bits)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    frame_px = (bits.read(width_bits) + 1) * (bits.read(height_bits) + 1)
    number_bits = 0
    if not is_reduced and bits.read(1):
        number_bits = bits.read(4) + 2 + bits.read(3) + 1
    bits.read(3)
    screen_content = integer_motion = SELECTED_LATER
    if not is_reduced:
        bits.read(4)
        if bits.read(1):
            bits.read(2)
        screen_content = SELECTED_LATER if bits.read(1) else bits.read(1)
        if screen_content:
            integer_motion = SELECTED_LATER if bits.read(1) else bits.read(1)
    return Sequence(
        frame_px,
        1 << width_bits + height_bits,
        is_reduced,
        time_bits,
        screen_content,
        integer_motion,
        number_bits,
    )


def skip_operating_points(bits: Bits) -> int:
    """Skip timing and operating points; return the bits of a frame's time, 0 if it has none."""
    time_bits, delay_bits, has_model = 0, 0, False
    if bits.read(1):
        bits.read(64)
        has_equal_intervals = bits.read(1)
        if has_equal_intervals:
            bits.skip_variable()
        has_model = bool(bits.read(1))
        if has_model:
            delay_bits = bits.read(5) + 1
            bits.read(37)
            time_bits = bits.read(5) + 1
        if has_equal_intervals:
            time_bits = 0
    has_display_delay = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if has_model and bits.read(1):
            bits.read(2 * delay_bits + 1)
        if has_display_delay and bits.read(1):
            bits.read(4)
    return time_bits


def has_own_size(bits: Bits, sequence: Sequence) -> bool:
    """Return whether a frame header (clause 5.9.2) has a size other than its sequence's."""
    if sequence.is_reduced or bits.read(1):  # or it shows a frame that exists
        return False
    kind, is_shown = bits.read(2), bits.read(1)
    bits.read(sequence.time_bits if is_shown else 1)
    if kind == SWITCH_FRAME:
        return True
    if kind != KEY_FRAME or not is_shown:
        bits.read(1)
    bits.read(1)
    uses_tools = (
        bits.read(1) if sequence.screen_content == SELECTED_LATER else sequence.screen_content
    )
    if uses_tools and sequence.integer_motion == SELECTED_LATER:
        bits.read(1)
    bits.read(sequence.number_bits)
    return bool(bits.read(1))
