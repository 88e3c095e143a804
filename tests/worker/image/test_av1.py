"""The size of a bitstream's frames is read from its headers."""

import pytest

from contract.image_headers.steps import Steps, TooManyStepsError
from tests.contract.image_headers.heif_files import make_tile
from worker.image.av1 import find_largest_frame_px

MANY_STEPS = 100
KEY_FRAME, INTER_FRAME, SWITCH_FRAME = 0, 1, 3


def pack(*fields: tuple[int, int]) -> bytes:
    """Return bits as bytes; a field is a value and its number of bits."""
    bits = "".join(f"{value:0{count}b}" if count else "" for value, count in fields)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def obu(kind: int, content: bytes, *, has_extension: bool = False) -> bytes:
    """Return an OBU of fewer than 128 bytes."""
    extension = b"\0" if has_extension else b""
    return (
        bytes((kind << 3 | 4 * has_extension | 2,)) + extension + bytes((len(content),)) + content
    )


# frame_width_bits_minus_1 and so on: 100 × 50 pixels, in 7 and 6 bits.
SIZE = ((6, 4), (5, 4), (99, 7), (49, 6))
REDUCED = pack((0, 3), (1, 1), (1, 1), (0, 5), *SIZE, (0, 3))
PLAIN_START = ((0, 3), (0, 1), (0, 1))
NO_TIMING = ((0, 1), (0, 1), (0, 5), (0, 12), (0, 5))
# Timing with numbers of 3 bits for a frame's time; two operating points with all their fields.
TIMING = (
    *((1, 1), (1, 32), (1, 32), (0, 1), (1, 1), (9, 5), (1, 32), (0, 5), (2, 5)),
    *((1, 1), (1, 5)),
    *((0, 12), (8, 5), (1, 1), (1, 1), (0, 10), (0, 10), (0, 1), (1, 1), (3, 4)),
    *((0, 12), (7, 5), (0, 1), (0, 1)),
)
EQUAL_INTERVALS = (
    *((1, 1), (1, 32), (1, 32), (1, 1), (0b00111, 5), (0, 1)),
    *((0, 1), (0, 5), (0, 12), (0, 5)),
)
NO_NUMBERS, NUMBERS = ((0, 1),), ((1, 1), (1, 4), (1, 3))
TOOLS_OFF = ((0, 3), (0, 4), (0, 1), (0, 1), (0, 1))
TOOLS_LATER = ((0, 3), (0, 4), (1, 1), (0, 2), (1, 1), (1, 1))
TOOLS_ON = ((0, 3), (0, 4), (1, 1), (0, 2), (0, 1), (1, 1), (0, 1), (1, 1))
PLAIN = pack(*PLAIN_START, *NO_TIMING, *SIZE, *NO_NUMBERS, *TOOLS_OFF)


def largest_px(data: bytes) -> int:
    """Return the pixels of the largest frame."""
    return find_largest_frame_px(data, Steps(MANY_STEPS))


@pytest.mark.parametrize(("width_px", "height_px"), [(64, 48), (33, 21), (300, 2)])
def test_an_encoder_s_frame_is_read(width_px: int, height_px: int) -> None:
    assert largest_px(make_tile(width_px, height_px).content) == width_px * height_px


@pytest.mark.parametrize("sequence", [REDUCED, PLAIN])
@pytest.mark.parametrize("has_extension", [False, True])
def test_the_size_is_that_of_the_sequence(sequence: bytes, has_extension: bool) -> None:
    data = obu(2, b"") + obu(1, sequence, has_extension=has_extension)
    assert largest_px(data) == 5_000
    # The last OBU needs no size.
    assert largest_px(b"\x08" + sequence) == 5_000


def test_the_largest_sequence_counts() -> None:
    larger = pack((0, 3), (1, 1), (1, 1), (0, 5), (15, 4), (15, 4), (65_535, 16), (9_999, 16))
    assert largest_px(obu(1, REDUCED) + obu(1, larger) + obu(1, REDUCED)) == 655_360_000


@pytest.mark.parametrize(
    ("sequence", "frame"),
    [
        # show_existing_frame, frame_type, show_frame, disable_cdf_update, then its own size or not.
        (PLAIN, ((0, 1), (KEY_FRAME, 2), (1, 1), (0, 1))),
        (PLAIN, ((0, 1), (INTER_FRAME, 2), (1, 1), (0, 1), (0, 1))),
        (PLAIN, ((0, 1), (KEY_FRAME, 2), (0, 1), (0, 1), (0, 1), (0, 1))),
        (
            pack(*PLAIN_START, *TIMING, *SIZE, *NUMBERS, *TOOLS_LATER),
            ((0, 1), (KEY_FRAME, 2), (1, 1), (0, 3), (0, 1), (1, 1), (0, 1), (0, 5)),
        ),
        (
            pack(*PLAIN_START, *TIMING, *SIZE, *NUMBERS, *TOOLS_LATER),
            ((0, 1), (KEY_FRAME, 2), (1, 1), (0, 3), (0, 1), (0, 1), (0, 5)),
        ),
        (
            pack(*PLAIN_START, *EQUAL_INTERVALS, *SIZE, *NO_NUMBERS, *TOOLS_ON),
            ((0, 1), (KEY_FRAME, 2), (1, 1), (0, 1)),
        ),
    ],
)
@pytest.mark.parametrize("kind", [3, 6, 7])
def test_a_frame_with_its_own_size_may_be_as_large_as_its_bits_allow(
    sequence: bytes, frame: tuple[tuple[int, int], ...], kind: int
) -> None:
    assert largest_px(obu(1, sequence) + obu(kind, pack(*frame, (0, 1), (2**8 - 1, 8)))) == 5_000
    assert largest_px(obu(1, sequence) + obu(kind, pack(*frame, (1, 1), (0, 8)))) == 128 * 64


def test_frames_that_have_no_size_or_always_one() -> None:
    switch = pack((0, 1), (SWITCH_FRAME, 2), (1, 1), (0, 8))
    assert largest_px(obu(1, PLAIN) + obu(6, switch)) == 128 * 64
    existing = pack((1, 1), (2**8 - 1, 8))
    assert largest_px(obu(1, PLAIN) + obu(3, existing)) == 5_000
    assert largest_px(obu(1, REDUCED) + obu(6, switch)) == 5_000


@pytest.mark.parametrize("data", [b"", obu(2, b""), obu(6, b"abc"), obu(5, PLAIN)])
def test_a_bitstream_without_a_sequence_has_no_frames(data: bytes) -> None:
    assert largest_px(data) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a",
        b"\x0a" + b"\xff" * 20,
        b"\x08" + bytes(600),
        b"\x08" + pack((0, 5), (1, 1), (0, 64)),
    ],
)
def test_a_truncated_or_endless_header_is_read_to_its_end(data: bytes) -> None:
    assert largest_px(data) >= 1


def test_the_number_of_obus_is_limited() -> None:
    with pytest.raises(TooManyStepsError):
        largest_px(obu(2, b"") * (MANY_STEPS + 1))
