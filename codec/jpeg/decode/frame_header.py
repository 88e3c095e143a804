"""The frame header of an uploaded file, restricted to the processes that are read (T.81 B.2.2)."""

from dataclasses import dataclass
from typing import Final

from codec.jpeg.decode.marker_segments import Segment, UnreadableSourceError

SEQUENTIAL: Final = (0xC0, 0xC1)
PROGRESSIVE: Final = 0xC2
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frames; C4, C8 and CC are DHT, JPG and DAC."""


@dataclass(frozen=True, slots=True)
class FrameComponent:
    """One component: what the frame header states of it, and its size in blocks (T.81 A.1.1)."""

    identifier: int
    horizontal: int
    vertical: int
    table: int
    rows: int
    """Blocks that hold samples."""
    columns: int
    padded_rows: int
    """Blocks of whole MCUs."""
    padded_columns: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of one to four components."""

    is_progressive: bool
    width: int
    height: int
    mcu_rows: int
    mcu_columns: int
    components: tuple[FrameComponent, ...]

    @property
    def sampling(self) -> tuple[int, int]:
        """Luma blocks across and down for each block of chroma: (1, 1) for grey and 4:4:4.

        Raises:
            UnreadableSourceError: there are two or four components, or the sampling is not 4:4:4,
                4:2:2, 4:4:0 or 4:2:0.
        """
        if len(self.components) not in {1, 3}:
            raise UnreadableSourceError("the number of components is not encoded")
        luma, *chroma = [(c.horizontal, c.vertical) for c in self.components]
        across, down = (
            own / other for own, other in zip(luma, chroma[0] if chroma else luma, strict=True)
        )
        if len(set(chroma)) > 1 or not {across, down} <= {1, 2}:
            raise UnreadableSourceError("the sampling is not 4:4:4, 4:2:2, 4:4:0 or 4:2:0")
        return int(across), int(down)


def read_frame(segment: Segment) -> Frame:
    """Return the frame of a SOF segment.

    Raises:
        UnreadableSourceError: the process is not baseline, extended or progressive with 8-bit samples
            and Huffman codes; there are more than four components; or the segment is malformed.
    """
    if segment.marker not in {*SEQUENTIAL, PROGRESSIVE}:
        raise UnreadableSourceError("the coding process is not read")
    payload = segment.payload
    if len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
        raise UnreadableSourceError("SOF has a wrong length")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    # With a height of 0, a DNL segment states it later.
    if payload[0] != 8 or payload[5] not in range(1, 5) or not height or not width:
        raise UnreadableSourceError(
            "the precision, the number of components or the size is not read"
        )
    entries = [payload[6 + 3 * i : 9 + 3 * i] for i in range(payload[5])]
    factors = _read_factors(entries)
    most_h, most_v = max(h for h, _ in factors), max(v for _, v in factors)
    mcu_rows, mcu_columns = -(-height // (8 * most_v)), -(-width // (8 * most_h))
    components = tuple(
        FrameComponent(
            entry[0],
            h,
            v,
            entry[2],
            -(-height * v // (8 * most_v)),
            -(-width * h // (8 * most_h)),
            mcu_rows * v,
            mcu_columns * h,
        )
        for entry, (h, v) in zip(entries, factors, strict=True)
    )
    if len({entry[0] for entry in entries}) != len(entries) or max(e[2] for e in entries) > 3:
        raise UnreadableSourceError("components share an identifier, or name a table above 3")
    return Frame(segment.marker == PROGRESSIVE, width, height, mcu_rows, mcu_columns, components)


def _read_factors(entries: list[bytes]) -> list[tuple[int, int]]:
    """Return each component's sampling factors, across and down.

    A single component has (1, 1), since its scans are not interleaved (T.81 A.2.2).
    """
    factors = [divmod(entry[1], 16) for entry in entries]
    if not all(1 <= h <= 4 and 1 <= v <= 4 for h, v in factors):
        raise UnreadableSourceError("sampling factors must lie in 1..4")
    if len(factors) == 1:
        return [(1, 1)]
    return factors
