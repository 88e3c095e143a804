"""Numbers are exact where 32 bits hold them, and refused where decoders can't use them."""

from dataclasses import replace
from fractions import Fraction

import pytest

from worker.image.gain_map.numbers import (
    ChannelNumbers,
    GainMapNumbers,
    InvalidGainMapError,
    check,
    limit_bits,
)

CHANNEL = ChannelNumbers(Fraction(-1), Fraction(2), Fraction(1), Fraction(1, 64), Fraction(0))
NUMBERS = GainMapNumbers(Fraction(0), Fraction(2), (CHANNEL,))


def test_ordinary_numbers_pass() -> None:
    assert check(NUMBERS) is NUMBERS
    assert check(replace(NUMBERS, channels=(CHANNEL._replace(smallest=Fraction(2)),)))


@pytest.mark.parametrize(
    "numbers",
    [
        replace(NUMBERS, base_headroom=Fraction(-1)),
        replace(NUMBERS, base_headroom=Fraction(2)),  # the photo is the HDR one, or both are
        replace(NUMBERS, alternate_headroom=Fraction(128)),
        *(
            replace(NUMBERS, channels=(CHANNEL, CHANNEL._replace(**{name: value}), CHANNEL))
            for name, value in (
                ("smallest", Fraction(3)),
                ("smallest", Fraction(-128)),
                ("largest", Fraction(128)),
                ("gamma", Fraction(0)),
                ("gamma", Fraction(-1)),
                ("base_offset", Fraction(-1, 64)),
                ("alternate_offset", Fraction(-1, 64)),
            )
        ),
    ],
)
def test_numbers_that_decoders_refuse_are_refused(numbers: GainMapNumbers) -> None:
    with pytest.raises(InvalidGainMapError):
        check(numbers)


@pytest.mark.parametrize("text", ["0", "3.298828", "-0.25", "2147483647", "0.0000001", "1/3"])
def test_numbers_of_32_bits_are_exact(text: str) -> None:
    assert limit_bits(Fraction(text)) == Fraction(text)


def test_longer_numbers_are_rounded_to_the_nearest() -> None:
    value = Fraction("100.12345678901234567890")
    rounded = limit_bits(value)
    assert abs(rounded.numerator) < 2**31
    assert rounded.denominator < 2**31
    assert abs(rounded - value) < Fraction(1, 10**12)
    with pytest.raises(InvalidGainMapError):
        limit_bits(Fraction(2**31))
