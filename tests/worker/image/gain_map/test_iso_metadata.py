"""The binary form is read and written as libultrahdr does it."""

import struct
from fractions import Fraction

import pytest

from tests.worker.image.ultra_hdr import ISO
from worker.image.gain_map import iso_metadata
from worker.image.gain_map.numbers import ChannelNumbers, GainMapNumbers, InvalidGainMapError

CHANNEL = ChannelNumbers(*map(Fraction, ("-1/4", "23/10", "6/5", "1/64", "0")))
NUMBERS = GainMapNumbers(Fraction(1, 10), Fraction(23, 10), (CHANNEL,))


def test_numbers_are_read_and_written_exactly() -> None:
    assert iso_metadata.read(ISO) == NUMBERS
    assert iso_metadata.write(NUMBERS) == ISO


def test_three_channels_and_the_colours_of_the_alternate_are_kept() -> None:
    other = CHANNEL._replace(largest=Fraction(1), gamma=Fraction(3, 7))
    numbers = GainMapNumbers(
        Fraction(0), Fraction(1, 3), (CHANNEL, other, CHANNEL), uses_base_colours=False
    )
    assert iso_metadata.read(iso_metadata.write(numbers)) == numbers


def test_one_denominator_may_hold_for_all() -> None:
    common = struct.pack(">HHB IIIiiIii", 0, 0, 0x48, 20, 2, 46, -5, 46, 24, 10, 0)
    channel = CHANNEL._replace(base_offset=Fraction(1, 2))
    assert iso_metadata.read(common) == GainMapNumbers(
        Fraction(1, 10), Fraction(23, 10), (channel,)
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes(4),
        ISO[:-1],
        b"\0\1" + ISO[2:],  # a version that readers of today can't know
        ISO[:4] + b"\x44" + ISO[5:],  # the photo is the HDR one
        ISO[:4] + b"\xc0" + ISO[5:],  # three channels announced, one there
        ISO[:9] + bytes(4) + ISO[13:],  # a denominator of 0
        bytes(4) + b"\x48" + bytes(40),
    ],
)
def test_other_content_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidGainMapError):
        iso_metadata.read(payload)
