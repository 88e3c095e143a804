"""The values of a TIFF's first directory, each read when it is asked for."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import CorruptImageError
from contract.image_headers import tiff
from contract.image_headers.steps import Steps

# NumPy's names for the types of TIFF 6.0, section 2, and of BigTIFF. ASCII and UNDEFINED are bytes.
TYPES: Final = {
    1: "u1",
    2: "u1",
    3: "u2",
    4: "u4",
    5: "u4",
    6: "i1",
    7: "u1",
    8: "i2",
    9: "i4",
    10: "i4",
    11: "f4",
    12: "f8",
    13: "u4",
    16: "u8",
    17: "i8",
    18: "u8",
}
RATIONAL, SIGNED_RATIONAL = 5, 10


class Directory:
    """The first directory of a TIFF. Of several tags with the same number, the first one counts."""

    def __init__(self, data: bytes) -> None:
        """Read the entries.

        Raises:
            CorruptImageError: when there is no size.
            struct.error: when the directory is truncated.
            TooManyStepsError: when there are too many tags.
        """
        self.data = data
        self.order = tiff.byte_order(data)
        self.width_px, self.height_px = tiff.read_size(data, Steps())
        self._tags: dict[int, tiff.Tag] = {}
        for tag in tiff.read_tags(data, Steps()):
            if tag.type in TYPES and tag.value_count > 0:
                self._tags.setdefault(tag.number, tag)

    def __contains__(self, number: int) -> bool:
        """Return whether there is such a tag with a value."""
        return number in self._tags

    def count(self, number: int) -> int:
        """Return the number of a tag's values, 0 if there is no such tag."""
        return self._tags[number].value_count if number in self._tags else 0

    def integer(self, number: int, default: int = 0) -> int:
        """Return a tag's first value.

        Raises:
            CorruptImageError: when it is not an integer, or outside of the file.
        """
        values = self.integers(number, 1)
        return int(values[0]) if len(values) else default

    def integers(self, number: int, longest: int) -> NDArray[Any]:
        """Return up to ``longest`` values of a tag, none if there is no such tag.

        Raises:
            CorruptImageError: when they are not integers, or outside of the file.
        """
        if number not in self._tags:
            return np.empty(0, np.uint8)
        if self._tags[number].type not in tiff.INTEGERS:
            raise CorruptImageError(f"The TIFF's tag {number} is not an integer.")
        return self._values(self._tags[number], longest)

    def numbers(self, number: int, longest: int) -> NDArray[np.float64]:
        """Return up to ``longest`` values of a tag as floats, none if they can't be read."""
        tag = self._tags.get(number)
        if tag is None:
            return np.empty(0, np.float64)
        try:
            if tag.type not in {RATIONAL, SIGNED_RATIONAL}:
                return self._values(tag, longest).astype(np.float64)
            parts = self._values(tag, 2 * longest).astype(np.float64)
        except CorruptImageError:
            return np.empty(0, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            numbers: NDArray[np.float64] = parts[0::2] / parts[1::2]
        return numbers if np.isfinite(numbers).all() else np.empty(0, np.float64)

    def content(self, number: int, longest_bytes: int) -> bytes | None:
        """Return all of a tag's bytes; None if there are none, too many, or they can't be read."""
        tag = self._tags.get(number)
        if tag is None or tag.value_count * self._value_bytes(tag) > longest_bytes:
            return None
        try:
            return self._values(tag, 2 * tag.value_count).tobytes()
        except CorruptImageError:
            return None

    def _value_bytes(self, tag: tiff.Tag) -> int:
        pair = 2 if tag.type in {RATIONAL, SIGNED_RATIONAL} else 1
        return pair * int(TYPES[tag.type][1:])

    def _values(self, tag: tiff.Tag, longest: int) -> NDArray[Any]:
        """Return the first values; of a rational, numerator and denominator are two.

        Raises:
            CorruptImageError: when they are outside of the file.
        """
        dtype = np.dtype(self.order + TYPES[tag.type])
        pair = 2 if tag.type in {RATIONAL, SIGNED_RATIONAL} else 1
        count = min(tag.value_count * pair, longest)
        if tag.value_count * self._value_bytes(tag) <= len(tag.value):
            return np.frombuffer(tag.value, dtype, count)
        offset = int.from_bytes(tag.value, "little" if self.order == "<" else "big")
        if offset + count * dtype.itemsize > len(self.data):
            raise CorruptImageError(f"The values of the TIFF's tag {tag.number} are missing.")
        return np.frombuffer(self.data, dtype, count, offset)
