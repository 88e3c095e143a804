"""The numbers by which a gain map is applied (ISO 21496-1:2025, 5.2; Adobe's gain map specification)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

# Powers of two beyond this overflow where decoders compute with 32-bit floats.
LARGEST_LOG2: Final = 127
# ISO 21496-1 has numerators with a sign and denominators without one, of 32 bits each.
LARGEST_INTEGER: Final = 2**31 - 1


class InvalidGainMapError(ValueError):
    """A gain map, or what describes it, is damaged or of a kind that is not kept."""


class ChannelNumbers(NamedTuple):
    """How a channel's values, 0 to 1, become gains. ``smallest`` and ``largest`` are in log2."""

    smallest: Fraction
    largest: Fraction
    gamma: Fraction
    base_offset: Fraction
    alternate_offset: Fraction


@dataclass(frozen=True, slots=True)
class GainMapNumbers:
    """All numbers of a gain map whose photo, the base, is shown where the display has no headroom.

    The headrooms are in log2: up to that of the base the photo is shown alone, from that of the
    alternate the gain map applies fully.
    """

    base_headroom: Fraction
    alternate_headroom: Fraction
    channels: tuple[ChannelNumbers, ...]
    """One for all channels, or one for each of three."""
    uses_base_colours: bool = True
    """Whether it applies in the photo's colour space, not in that of the gain map's ICC profile."""


def check(numbers: GainMapNumbers) -> GainMapNumbers:
    """Return ``numbers`` if every decoder can use them.

    Raises:
        InvalidGainMapError: when they lie outside of their ranges, or the photo is the HDR one.
    """
    if not 0 <= numbers.base_headroom < numbers.alternate_headroom <= LARGEST_LOG2:
        raise InvalidGainMapError("the headrooms are out of range")
    for channel in numbers.channels:
        if not -LARGEST_LOG2 <= channel.smallest <= channel.largest <= LARGEST_LOG2:
            raise InvalidGainMapError("the gains are out of range")
        if channel.gamma <= 0 or min(channel.base_offset, channel.alternate_offset) < 0:
            raise InvalidGainMapError("gamma or an offset is out of range")
    return numbers


def limit_bits(value: Fraction) -> Fraction:
    """Return the nearest fraction that ISO 21496-1 can hold.

    Raises:
        InvalidGainMapError: when the value is too large.
    """
    if abs(value) > LARGEST_INTEGER:
        raise InvalidGainMapError("a number is too large")
    return value.limit_denominator(int(LARGEST_INTEGER / max(Fraction(1), abs(value))))
