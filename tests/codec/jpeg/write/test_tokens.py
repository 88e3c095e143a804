import numpy as np

from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.write.tokens import (
    LENGTH_SHIFT,
    SECOND_TABLE,
    SYMBOL_SHIFT,
    UNCODED,
    count_tokens,
    write_tokens,
)

# Symbol, length of the appended bits, the bits.
PARTS = [(0x12, 2, 0b10), (SECOND_TABLE + 3, 3, 0b001), (UNCODED, 4, 0b1011), (0x12, 2, 0b01)]
TOKENS = np.array(
    [symbol << SYMBOL_SHIFT | length << LENGTH_SHIFT | bits for symbol, length, bits in PARTS],
    np.int32,
)


def test_each_table_counts_its_own_symbols_and_none_for_bits_without_a_code() -> None:
    (first, second), appended = count_tokens(TOKENS, 2)
    assert first[0x12] == first.sum() == 2
    assert second[3] == second.sum() == 1
    assert appended == 2 + 3 + 4 + 2


def test_codes_and_appended_bits_are_written_in_order() -> None:
    counts, appended = count_tokens(TOKENS, 2)
    tables = [build_table(own) for own in counts]
    bits = ""
    for symbol, length, value in PARTS:
        if symbol != UNCODED:
            table, own = tables[symbol // SECOND_TABLE], symbol % SECOND_TABLE
            bits += f"{table.codes[own]:0{table.lengths[own]}b}"
        bits += f"{value:0{length}b}"
    total = appended + sum(int(c @ t.lengths) for c, t in zip(counts, tables, strict=True))
    assert len(bits) == total
    bits += "1" * (-total % 8)
    written = write_tokens(TOKENS, tables, total)
    assert written.replace(b"\xff\x00", b"\xff") == int(bits, 2).to_bytes(len(bits) // 8, "big")
