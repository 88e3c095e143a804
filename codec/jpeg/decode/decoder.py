"""Decoder state of one file: its tables, its frame, and the coefficients of its scans (T.81)."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.frame_header import FRAMES, Frame, FrameComponent, read_frame
from codec.jpeg.decode.huffman_decoder import LOOKUP_SIZE, build_lookup, unstuff
from codec.jpeg.decode.marker_segments import DHT, DQT, DRI, SOS, Segment, UnreadableSourceError
from codec.jpeg.decode.progressive_ac_scan import read_band, refine_band
from codec.jpeg.decode.sequential_scan import read_interleaved

# Each scan is a walk over all blocks. Our own files have at most 12, libjpeg's 10.
_MOST_SCANS = 64
_MOST_MCU_BLOCKS = 10  # T.81 B.2.3
_UNSEEN: Final = -1


class Decoder:
    """Decodes the segments of one file, which are passed in file order."""

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
        """The quant_table (64,) zigzag that each component's first scan has found."""
        # Low bits still missing of each coefficient (components, 64).
        self._missing = np.zeros((0, 64), np.int64)

    @property
    def is_complete(self) -> bool:
        """Whether every bit of every coefficient has been read."""
        return self.frame is not None and not self._missing.any()

    def take(self, segment: Segment) -> int:
        """Process a segment and return the offset in bytes of the next marker.

        Raises:
            UnreadableSourceError: as `codec.jpeg.decode.coefficients.read_source`.
        """
        if segment.marker == SOS:
            return self._take_scan(segment)
        if segment.marker == DQT:
            self._take_quant_tables(segment.payload)
        elif segment.marker == DHT:
            self._take_huffman_tables(segment.payload)
        elif segment.marker == DRI:
            if len(segment.payload) != 2:
                raise UnreadableSourceError("a restart interval of a wrong length")
            self._interval_mcus = int.from_bytes(segment.payload, "big")
        elif segment.marker in FRAMES:
            self._take_frame(segment)
        elif segment.marker < 0xE0:
            raise UnreadableSourceError("a segment that is not read here")
        return segment.end

    def _take_quant_tables(self, payload: bytes) -> None:
        while payload:
            width, index = (payload[0] >> 4) + 1, payload[0] & 15
            size = 1 + 64 * width
            if width > 2 or index > 3 or len(payload) < size:
                raise UnreadableSourceError("a malformed quantization table")
            kind = np.dtype(">u2") if width == 2 else np.dtype(np.uint8)
            table = np.frombuffer(payload[1:size], kind).astype(np.uint16)
            if table.min() < 1 or table.max() > 255:
                raise UnreadableSourceError("quantization steps out of a baseline file's range")
            self._quant_tables[index] = table
            payload = payload[size:]

    def _take_huffman_tables(self, payload: bytes) -> None:
        while payload:
            counts = payload[1:17]
            size = 17 + sum(counts)
            key = payload[0]
            if key & 0xEC or len(payload) < size or size > 17 + 256:
                raise UnreadableSourceError("a malformed Huffman table")
            self._lookups[key] = build_lookup(counts, payload[17:size])
            payload = payload[size:]

    def _take_frame(self, segment: Segment) -> None:
        if self.frame is not None:
            raise UnreadableSourceError("a second frame")
        self.frame = frame = read_frame(segment)
        # Every block of the image takes a bit of DC at least: nobody may ask for memory that no file
        # can fill. Those that only complete MCUs have none in scans of one component.
        blocks = [c.rows * c.columns for c in frame.components]
        if sum(blocks) > 8 * self._data.size:
            raise UnreadableSourceError("fewer bits than blocks")
        self.planes = [
            np.zeros((c.padded_rows, c.padded_columns, 64), np.int16) for c in frame.components
        ]
        self.tables = [None] * len(frame.components)
        self._missing = np.full((len(frame.components), 64), _UNSEEN)

    def _take_scan(self, segment: Segment) -> int:
        frame, payload = self.frame, segment.payload
        self._scans += 1
        if frame is None or self._scans > _MOST_SCANS:
            raise UnreadableSourceError("a scan before the frame, or too many")
        if len(payload) < 4 or len(payload) != 4 + 2 * payload[0]:
            raise UnreadableSourceError("a scan header of a wrong length")
        identifiers = [component.identifier for component in frame.components]
        indices = [identifiers.index(i) if i in identifiers else -1 for i in payload[1:-3:2]]
        if not indices or -1 in indices or any(a >= b for a, b in pairwise(indices)):
            raise UnreadableSourceError("a scan of components in another order than the frame's")
        band = (payload[-3], payload[-2])
        high_bit, low_bit = divmod(payload[-1], 16)
        self._note_progress(indices, band, high_bit, low_bit)
        for i in indices:
            if self.tables[i] is None:
                self.tables[i] = self._quant_tables.get(frame.components[i].table)
        selectors = payload[2:-3:2]
        if band[0] > 0:
            return self._read_band(segment.end, indices[0], band, (high_bit, low_bit), selectors)
        return self._read_interleaved(segment.end, indices, (high_bit, low_bit), selectors)

    def _note_progress(
        self, indices: list[int], band: tuple[int, int], high_bit: int, low_bit: int
    ) -> None:
        """Hold a scan to the order of G.1.1.1: each bit once, DC before AC, AC alone."""
        assert self.frame is not None
        first, last = band
        sound = first <= last <= 63 and low_bit <= 13
        if self.frame.is_progressive:
            sound &= (last == 0) if first == 0 else (len(indices) == 1)
        else:
            sound &= band == (0, 63) and high_bit == low_bit == 0
        missing = self._missing[indices, first : last + 1]
        sound &= bool((missing == (high_bit or _UNSEEN)).all())
        sound &= high_bit in {0, low_bit + 1}
        if not sound or (first > 0 and self._missing[indices[0], 0] == _UNSEEN):
            raise UnreadableSourceError("a scan out of order")
        self._missing[indices, first : last + 1] = low_bit

    def _find_lookup(self, key: int) -> NDArray[np.int32]:
        if key not in self._lookups:
            raise UnreadableSourceError("a scan without its Huffman table")
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
            raise UnreadableSourceError("too many blocks in an MCU")
        high_bit, low_bit = precision
        dc = [self._find_lookup(s >> 4) for s in selectors] if high_bit == 0 else []
        ac = (
            []
            if self.frame.is_progressive
            else [self._find_lookup(0x10 | s & 15) for s in selectors]
        )
        planes = [self.planes[i] for i in indices]
        bits, ends, end, interval = self._unstuff(start, rows * columns)
        sound = read_interleaved(
            bits,
            ends,
            (rows, columns, interval),
            (planes[0], planes[1 % len(planes)], planes[-1]),
            np.array(parts, np.int64),
            _stack(dc),
            _stack(ac),
            low_bit,
            high_bit,
        )
        return _require(sound, end)

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
        read = refine_band if precision[0] else read_band
        lookup = self._find_lookup(0x10 | selectors[0] & 15)
        blocks = (rows, columns, interval)
        return _require(
            read(bits, ends, blocks, self.planes[index], band, precision[1], lookup), end
        )

    def _unstuff(
        self, start: int, mcus: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], int, int]:
        interval = self._interval_mcus or mcus
        bits, ends, end = unstuff(self._data, start, -(-mcus // interval))
        return bits, ends, end, interval


def _stack(lookups: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    return np.array(lookups) if lookups else np.empty((0, LOOKUP_SIZE), np.int32)


def _require(sound: bool, end: int) -> int:
    if not sound:
        raise UnreadableSourceError("a scan that is damaged")
    return end
