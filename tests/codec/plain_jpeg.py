"""A slow and plain decoder of baseline files, written from T.81 alone, as the tests' reference."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class PlainComponent:
    identifier: int
    horizontal: int
    vertical: int
    quant_index: int
    dc_index: int = 0
    ac_index: int = 0
    blocks: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def qcoefs(self) -> NDArray[np.int64]:
        rows = max(by for by, _ in self.blocks) + 1
        columns = max(bx for _, bx in self.blocks) + 1
        return np.array([[self.blocks[by, bx] for bx in range(columns)] for by in range(rows)])


@dataclass
class PlainFile:
    height: int
    width: int
    markers: list[int]
    quant_tables: dict[int, list[int]]
    huffman: dict[tuple[int, int], dict[str, int]]
    components: list[PlainComponent]


def decode(data: bytes) -> PlainFile:
    """Read a baseline file with one interleaved scan; anything else fails an assertion."""
    assert data[:2] == b"\xff\xd8"
    file = PlainFile(0, 0, [], {}, {}, [])
    at = 2
    while True:
        assert data[at] == 0xFF
        marker = data[at + 1]
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        payload = data[at + 4 : at + 2 + length]
        file.markers.append(marker)
        at += 2 + length
        if marker == 0xDB:
            read_quant_tables(file, payload)
        elif marker == 0xC4:
            read_huffman_tables(file, payload)
        elif marker == 0xC0:
            read_frame(file, payload)
        elif marker == 0xDA:
            _read_scan_header(file, payload)
            break
        else:
            assert marker in {0xE0, 0xFE}
    _read_scan(file, data[at:])
    return file


def read_quant_tables(file: PlainFile, payload: bytes) -> None:
    while payload:
        assert payload[0] >> 4 == 0
        file.quant_tables[payload[0] & 15] = list(payload[1:65])
        payload = payload[65:]


def read_huffman_tables(file: PlainFile, payload: bytes) -> None:
    while payload:
        key = (payload[0] >> 4, payload[0] & 15)
        counts = payload[1:17]
        symbols = payload[17 : 17 + sum(counts)]
        payload = payload[17 + sum(counts) :]
        codes: dict[str, int] = {}
        code, filled = 0, 0
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                word = format(code, f"0{length}b")
                assert len(word) == length
                assert "0" in word, "the all-ones code is reserved"
                codes[word] = symbols[filled]
                filled += 1
                code += 1
            code *= 2
        file.huffman[key] = codes


def read_frame(file: PlainFile, payload: bytes) -> None:
    assert payload[0] == 8
    file.height = int.from_bytes(payload[1:3], "big")
    file.width = int.from_bytes(payload[3:5], "big")
    for i in range(payload[5]):
        identifier, sampling, quant_index = payload[6 + 3 * i : 9 + 3 * i]
        file.components.append(
            PlainComponent(identifier, sampling >> 4, sampling & 15, quant_index)
        )


def _read_scan_header(file: PlainFile, payload: bytes) -> None:
    assert payload[0] == len(file.components)
    for i, component in enumerate(file.components):
        assert payload[1 + 2 * i] == component.identifier
        component.dc_index, component.ac_index = divmod(payload[2 + 2 * i], 16)
    assert payload[-3:] == b"\x00\x3f\x00"


class Bits:
    """The bits of an entropy-coded segment."""

    def __init__(self, segment: bytes) -> None:
        assert all(segment[i + 1] == 0 for i in range(len(segment) - 1) if segment[i] == 0xFF)
        assert not segment.endswith(b"\xff")
        self.bits = "".join(format(byte, "08b") for byte in segment.replace(b"\xff\x00", b"\xff"))
        self.at = 0

    def end(self) -> None:
        """Check that nothing but the ones that fill the last byte is left."""
        assert len(self.bits) - self.at < 8
        assert set(self.bits[self.at :]) <= {"1"}

    def take(self, count: int) -> int:
        assert self.at + count <= len(self.bits)
        taken = self.bits[self.at : self.at + count]
        self.at += count
        return int(taken, 2) if taken else 0

    def symbol(self, codes: dict[str, int]) -> int:
        for length in range(1, 17):
            word = self.bits[self.at : self.at + length]
            if word in codes:
                self.at += length
                return codes[word]
        raise AssertionError("no such code")

    def value(self, size: int) -> int:
        taken = self.take(size)
        return taken if size == 0 or taken >> (size - 1) else taken - (1 << size) + 1


def _read_scan(file: PlainFile, rest: bytes) -> None:
    assert rest[-2:] == b"\xff\xd9"
    bits = Bits(rest[:-2])
    wide = max(c.horizontal for c in file.components) * 8
    tall = max(c.vertical for c in file.components) * 8
    previous = [0] * len(file.components)
    for mcu_y in range(-(-file.height // tall)):
        for mcu_x in range(-(-file.width // wide)):
            for i, component in enumerate(file.components):
                for v in range(component.vertical):
                    for h in range(component.horizontal):
                        block = _read_block(file, component, bits, previous[i])
                        previous[i] = block[0]
                        key = (mcu_y * component.vertical + v, mcu_x * component.horizontal + h)
                        component.blocks[key] = block
    bits.end()


def _read_block(file: PlainFile, component: PlainComponent, bits: Bits, previous: int) -> list[int]:
    block = [0] * 64
    block[0] = previous + bits.value(bits.symbol(file.huffman[0, component.dc_index]))
    k = 1
    while k < 64:
        run, size = divmod(bits.symbol(file.huffman[1, component.ac_index]), 16)
        if size == 0:
            if run == 0:
                break
            assert run == 15
            k += 16
            continue
        k += run
        block[k] = bits.value(size)
        k += 1
    return block
