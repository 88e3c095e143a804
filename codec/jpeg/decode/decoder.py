"""The decoder of one file: its tables, its frame, and the coefficients of its scans (T.81 Annex B, E.2)."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.frame_header import FRAMES, Frame, FrameComponent, read_frame
from codec.jpeg.decode.huffman_decoder import LOOKUP_SIZE, build_lookup
from codec.jpeg.decode.marker_segments import (
    DHT,
    DQT,
    DRI,
    SOS,
    Segment,
    UnreadableSourceError,
    is_metadata,
)
from codec.jpeg.decode.progressive_ac_scan import read_band
from codec.jpeg.decode.restart_intervals import unstuff
from codec.jpeg.decode.sequential_scan import read_interleaved

_MOST_SCANS: Final = 64
"""Each scan takes a pass over all blocks. Files of this encoder have at most 12 scans, libjpeg's 10."""
_MOST_MCU_BLOCKS: Final = 10  # T.81 B.2.3
_LARGEST_DC_SYMBOL: Final = 15
_UNSEEN: Final = -1  # no scan has held the coefficient yet


class Decoder:
    """Decodes the segments of one file, in the order of the file."""

    def __init__(self, data: bytes) -> None:
        self._data = np.frombuffer(data, np.uint8)
        self._quant_tables: dict[int, NDArray[np.uint16]] = {}
        self._lookups: dict[int, NDArray[np.int32]] = {}  # by class << 4 | index, as in DHT
        self._interval_mcus = 0
        self._scans = 0
        self.frame: Frame | None = None
        self.planes: list[NDArray[np.int16]] = []
        """qcoefs (padded_rows, padded_columns, 64) zigzag of each component."""
        self.tables: list[NDArray[np.uint16] | None] = []
        """The quant_table (64,) zigzag of each component, as of its first scan; None before."""
        # Low bits of each coefficient that no scan has held yet (components, 64), or _UNSEEN.
        self._missing_bits = np.zeros((0, 64), np.int64)

    @property
    def is_complete(self) -> bool:
        """Whether every bit of every coefficient has been read."""
        return self.frame is not None and not self._missing_bits.any()

    def process(self, segment: Segment) -> int:
        """Process a segment, with the scan behind a SOS; return the offset in bytes of the next marker.

        Raises:
            UnreadableSourceError: the segment or its scan is damaged or of a kind that is not read
                (`codec.jpeg.decode.coefficients.read_source`).
        """
        if segment.marker == SOS:
            return self._process_scan(segment)
        if segment.marker == DQT:
            self._process_quant_tables(segment.payload)
        elif segment.marker == DHT:
            self._process_huffman_tables(segment.payload)
        elif segment.marker == DRI:
            if len(segment.payload) != 2:
                raise UnreadableSourceError("DRI has a wrong length")
            self._interval_mcus = int.from_bytes(segment.payload, "big")
        elif segment.marker in FRAMES:
            self._process_frame(segment)
        elif not is_metadata(segment):
            raise UnreadableSourceError(f"segments of marker {segment.marker:02X} are not read")
        return segment.end

    def _process_quant_tables(self, payload: bytes) -> None:
        while payload:
            width, index = (payload[0] >> 4) + 1, payload[0] & 15
            size = 1 + 64 * width
            if width > 2 or index > 3 or len(payload) < size:
                raise UnreadableSourceError("DQT is malformed")
            kind = np.dtype(">u2") if width == 2 else np.dtype(np.uint8)
            table = np.frombuffer(payload[1:size], kind).astype(np.uint16)
            if table.min() < 1 or table.max() > 255:
                raise UnreadableSourceError("quantization steps must lie in 1..255")
            self._quant_tables[index] = table
            payload = payload[size:]

    def _process_huffman_tables(self, payload: bytes) -> None:
        while payload:
            counts = payload[1:17]
            size = 17 + sum(counts)
            key = payload[0]
            symbols = payload[17:size]
            # libjpeg refuses tables whose DC symbols are no sizes (jdhuff.c).
            is_valid = key > 3 or max(symbols, default=0) <= _LARGEST_DC_SYMBOL
            if key & 0xEC or len(payload) < size or size > 17 + 256 or not is_valid:
                raise UnreadableSourceError("DHT is malformed")
            self._lookups[key] = build_lookup(counts, symbols)
            payload = payload[size:]

    def _process_frame(self, segment: Segment) -> None:
        if self.frame is not None:
            raise UnreadableSourceError("the file has a second frame")
        self.frame = frame = read_frame(segment)
        # The DC of each real block takes at least one bit. So a short file can't make the decoder
        # allocate much memory.
        blocks = [c.rows * c.columns for c in frame.components]
        if sum(blocks) > 8 * self._data.size:
            raise UnreadableSourceError("the file has fewer bits than the image has blocks")
        self.planes = [
            np.zeros((c.padded_rows, c.padded_columns, 64), np.int16) for c in frame.components
        ]
        self.tables = [None] * len(frame.components)
        self._missing_bits = np.full((len(frame.components), 64), _UNSEEN)

    def _process_scan(self, segment: Segment) -> int:
        frame, payload = self.frame, segment.payload
        self._scans += 1
        if frame is None or self._scans > _MOST_SCANS:
            raise UnreadableSourceError("a scan comes before the frame, or there are too many")
        if len(payload) < 4 or len(payload) != 4 + 2 * payload[0]:
            raise UnreadableSourceError("SOS has a wrong length")
        identifiers = [component.identifier for component in frame.components]
        indices = [identifiers.index(i) if i in identifiers else -1 for i in payload[1:-3:2]]
        if not indices or -1 in indices or any(a >= b for a, b in pairwise(indices)):
            raise UnreadableSourceError("SOS names unknown components, or not in the frame's order")
        band = (payload[-3], payload[-2])
        high_bit, low_bit = divmod(payload[-1], 16)
        self._check_progression(indices, band, high_bit, low_bit)
        for i in indices:
            if self.tables[i] is None:
                self.tables[i] = self._quant_tables.get(frame.components[i].table)
        selectors = payload[2:-3:2]
        if band[0] > 0:
            return self._read_band(segment.end, indices[0], band, (high_bit, low_bit), selectors)
        return self._read_interleaved(segment.end, indices, (high_bit, low_bit), selectors)

    def _check_progression(
        self, indices: list[int], band: tuple[int, int], high_bit: int, low_bit: int
    ) -> None:
        """Check the order of scans, and note the bits of this one.

        Each bit comes once and DC before AC; an AC scan has one component (T.81 G.1.1.1).
        """
        assert self.frame is not None
        first, last = band
        is_valid = first <= last <= 63 and low_bit <= 13
        if self.frame.is_progressive:
            is_valid &= (last == 0) if first == 0 else (len(indices) == 1)
        else:
            is_valid &= band == (0, 63) and high_bit == low_bit == 0
        missing_bits = self._missing_bits[indices, first : last + 1]
        is_valid &= bool((missing_bits == (high_bit or _UNSEEN)).all())
        is_valid &= high_bit in {0, low_bit + 1}
        if not is_valid or (first > 0 and self._missing_bits[indices[0], 0] == _UNSEEN):
            raise UnreadableSourceError("a scan is out of order")
        self._missing_bits[indices, first : last + 1] = low_bit

    def _find_lookup(self, key: int) -> NDArray[np.int32]:
        if key not in self._lookups:
            raise UnreadableSourceError("a scan has no Huffman table")
        return self._lookups[key]

    def _read_interleaved(
        self, start: int, indices: list[int], precision: tuple[int, int], selectors: bytes
    ) -> int:
        assert self.frame is not None
        chosen = [self.frame.components[i] for i in indices]
        if len(chosen) == 1:
            rows, columns, parts = chosen[0].rows, chosen[0].columns, [(1, 1)]
        else:
            rows, columns = self.frame.mcu_rows, self.frame.mcu_columns
            parts = [(component.vertical, component.horizontal) for component in chosen]
        if sum(v * h for v, h in parts) > _MOST_MCU_BLOCKS:
            raise UnreadableSourceError("an MCU has too many blocks")
        high_bit, low_bit = precision
        dc = [self._find_lookup(s >> 4) for s in selectors] if high_bit == 0 else []
        ac = (
            []
            if self.frame.is_progressive
            else [self._find_lookup(0x10 | s & 15) for s in selectors]
        )
        planes = [self.planes[i] for i in indices]
        bits, ends, end, interval = self._unstuff(start, rows * columns)
        is_valid = read_interleaved(
            bits,
            ends,
            (rows, columns, interval),
            (planes[0], planes[1 % len(planes)], planes[2 % len(planes)], planes[-1]),
            np.array(parts, np.int64),
            _stack(dc),
            _stack(ac),
            low_bit,
            high_bit,
        )
        return _require_valid(is_valid, end)

    def _read_band(
        self,
        start: int,
        index: int,
        band: tuple[int, int],
        precision: tuple[int, int],
        selectors: bytes,
    ) -> int:
        assert self.frame is not None
        component: FrameComponent = self.frame.components[index]
        rows, columns = component.rows, component.columns
        bits, ends, end, interval = self._unstuff(start, rows * columns)
        high_bit, low_bit = precision
        is_valid = read_band(
            bits,
            ends,
            (rows, columns, interval),
            self.planes[index],
            band,
            low_bit,
            high_bit,
            self._find_lookup(0x10 | selectors[0] & 15),
        )
        return _require_valid(is_valid, end)

    def _unstuff(
        self, start: int, mcus: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], int, int]:
        """Return the results of `unstuff`, and the MCUs in a restart interval."""
        interval = self._interval_mcus or mcus
        bits, ends, end = unstuff(self._data, start, -(-mcus // interval))
        return bits, ends, end, interval


def _stack(lookups: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.array(lookups) if lookups else np.empty((0, LOOKUP_SIZE), np.int32)


def _require_valid(is_valid: bool, end: int) -> int:
    if not is_valid:
        raise UnreadableSourceError("a scan is damaged")
    return end
