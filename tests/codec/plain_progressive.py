"""A slow and plain decoder of progressive files, written from T.81 Annex G alone, as the tests' reference."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.codec.plain_jpeg import (
    Bits,
    PlainComponent,
    PlainFile,
    read_frame,
    read_huffman_tables,
    read_quant_tables,
)

Block = list[int]


@dataclass
class PlainScan:
    components: list[int]
    first: int
    last: int
    high: int
    low: int
    bits: int


@dataclass
class PlainProgressive(PlainFile):
    scans: list[PlainScan] = field(default_factory=list)
    # Low bits still unknown of each component's coefficients; absent before their first scan.
    unknown: dict[tuple[int, int], int] = field(default_factory=dict)


def decode_progressive(data: bytes) -> PlainProgressive:
    """Read a progressive file; every bit of every coefficient must be in it."""
    assert data[:2] == b"\xff\xd8"
    file = PlainProgressive(0, 0, [], {}, {}, [])
    at = 2
    while data[at : at + 2] != b"\xff\xd9":
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
        elif marker == 0xC2:
            read_frame(file, payload)
            _clear_blocks(file)
        elif marker == 0xDA:
            end = at
            while data[end] != 0xFF or data[end + 1] == 0:
                end += 1
            _read_scan(file, payload, Bits(data[at:end]))
            at = end
        else:
            assert marker in {0xE0, 0xFE}
    assert at + 2 == len(data)
    keys = {(i, k) for i in range(len(file.components)) for k in range(64)}
    assert file.unknown == dict.fromkeys(keys, 0)
    return file


def _mcus(file: PlainFile) -> tuple[int, int]:
    tall = max(c.vertical for c in file.components) * 8
    wide = max(c.horizontal for c in file.components) * 8
    return -(-file.height // tall), -(-file.width // wide)


def _clear_blocks(file: PlainFile) -> None:
    rows, columns = _mcus(file)
    for component in file.components:
        for by in range(rows * component.vertical):
            for bx in range(columns * component.horizontal):
                component.blocks[by, bx] = [0] * 64


def _blocks_alone(file: PlainFile, component: PlainComponent) -> Iterator[Block]:
    """Yield the blocks of a scan of one component (A.2.2)."""
    most_v = max(c.vertical for c in file.components)
    most_h = max(c.horizontal for c in file.components)
    height = -(-file.height * component.vertical // most_v)
    width = -(-file.width * component.horizontal // most_h)
    for by in range(-(-height // 8)):
        for bx in range(-(-width // 8)):
            yield component.blocks[by, bx]


def _blocks_interleaved(file: PlainFile, indices: list[int]) -> Iterator[tuple[int, Block]]:
    """Yield the blocks of a scan of several components, each with its component's index (A.2.3)."""
    rows, columns = _mcus(file)
    for mcu_y in range(rows):
        for mcu_x in range(columns):
            for i in indices:
                component = file.components[i]
                for v in range(component.vertical):
                    for h in range(component.horizontal):
                        at = (mcu_y * component.vertical + v, mcu_x * component.horizontal + h)
                        yield i, component.blocks[at]


def _read_scan(file: PlainProgressive, payload: bytes, bits: Bits) -> None:
    count = payload[0]
    assert len(payload) == 4 + 2 * count
    indices = [payload[1 + 2 * n] - 1 for n in range(count)]
    for n, i in enumerate(indices):
        file.components[i].dc_index, file.components[i].ac_index = divmod(payload[2 + 2 * n], 16)
    first, last = payload[-3], payload[-2]
    high, low = divmod(payload[-1], 16)
    assert (first == 0) == (last == 0)
    assert first == 0 or count == 1
    for i in indices:
        for k in range(first, last + 1):
            assert first == 0 or (i, 0) in file.unknown, "DC comes first"
            assert file.unknown.get((i, k), 0) == high
            assert ((i, k) in file.unknown) == (high > 0)
            file.unknown[i, k] = low
    assert high in {0, low + 1}
    file.scans.append(PlainScan(indices, first, last, high, low, len(bits.bits)))
    if first == 0:
        _read_dc(file, indices, (high, low), bits)
    else:
        component = file.components[indices[0]]
        blocks = _blocks_alone(file, component)
        read = _refine_ac if high else _read_ac
        read(blocks, file.huffman[1, component.ac_index], (first, last), low, bits)
    bits.end()


def _read_dc(
    file: PlainProgressive, indices: list[int], precision: tuple[int, int], bits: Bits
) -> None:
    high, low = precision
    previous = dict.fromkeys(indices, 0)
    if len(indices) == 1:
        alone = _blocks_alone(file, file.components[indices[0]])
        blocks: Iterator[tuple[int, Block]] = ((indices[0], block) for block in alone)
    else:
        blocks = _blocks_interleaved(file, indices)
    for i, block in blocks:
        if high:
            block[0] |= bits.take(1) << low
        else:
            codes = file.huffman[0, file.components[i].dc_index]
            previous[i] += bits.value(bits.symbol(codes))
            block[0] = previous[i] << low


def _read_ac(
    blocks: Iterator[Block], codes: dict[str, int], band: tuple[int, int], low: int, bits: Bits
) -> None:
    ended = 0
    for block in blocks:
        if ended:
            ended -= 1
            continue
        k = band[0]
        while k <= band[1]:
            run, size = divmod(bits.symbol(codes), 16)
            if size:
                k += run
                assert k <= band[1]
                block[k] = bits.value(size) * (1 << low)
                k += 1
            elif run == 15:
                k += 16
            else:
                ended = (1 << run) + bits.take(run) - 1
                break


def _refine_ac(
    blocks: Iterator[Block], codes: dict[str, int], band: tuple[int, int], low: int, bits: Bits
) -> None:
    ended = 0
    for block in blocks:
        k = band[0]
        while k <= band[1] and not ended:
            run, size = divmod(bits.symbol(codes), 16)
            assert size <= 1
            if size == 0 and run < 15:
                ended = (1 << run) + bits.take(run)
                break
            value = (1 if bits.take(1) else -1) if size else 0
            k = _correct(block, (k, band[1]), run, low, bits)
            assert k <= band[1]
            block[k] = value * (1 << low)
            k += 1
        if ended:
            _correct(block, (k, band[1]), 64, low, bits)
            ended -= 1


def _correct(block: Block, within: tuple[int, int], zeros: int, low: int, bits: Bits) -> int:
    """Correct coefficients up to the zero that follows `zeros` others; return its position."""
    for k in range(within[0], within[1] + 1):
        if block[k]:
            if bits.take(1):
                block[k] += (1 if block[k] > 0 else -1) << low
        elif zeros:
            zeros -= 1
        else:
            return k
    return within[1] + 1
