import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.jpeg.decode.huffman_decoder import build_lookup, extend, peek, read_symbol
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.syntax.huffman import HuffmanTable, build_table


def to_bytes(text: str) -> np.ndarray:
    """Return a string of bits as bytes, followed by zeros."""
    padded = text + "0" * (-len(text) % 8)
    data = [int(padded[i : i + 8], 2) for i in range(0, len(padded), 8)]
    return np.array([*data, 0, 0, 0], np.uint8)


def to_lookup(table: HuffmanTable) -> np.ndarray:
    return build_lookup(bytes(table.bits[1:].tolist()), bytes(table.symbols.tolist()))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.integers(0, 255), st.integers(1, 10**6), min_size=1, max_size=60))
def test_every_code_is_read_at_every_position(counts: dict[int, int]) -> None:
    all_counts = np.zeros(256, np.int64)
    all_counts[list(counts)] = list(counts.values())
    table = build_table(all_counts)
    symbols = list(counts)
    codes = [f"{table.codes[symbol]:0{table.lengths[symbol]}b}" for symbol in symbols]
    bits, at = to_bytes("".join(codes)), 0
    for symbol, code in zip(symbols, codes, strict=True):
        assert read_symbol(bits, at, to_lookup(table)) == symbol << 5 | len(code)
        at += len(code)


def test_codes_of_sixteen_bits_are_read() -> None:
    # One code of each length, as counts that grow like Fibonacci's numbers give them.
    lookup = build_lookup(bytes([1] * 16), bytes(range(100, 116)))
    for length in range(1, 17):
        bits = to_bytes("1" * (length - 1) + "0")
        assert read_symbol(bits, 0, lookup) == (99 + length) << 5 | length


def test_bits_without_a_code_are_no_symbol() -> None:
    lookup = build_lookup(bytes([1] * 16), bytes(range(16)))
    assert read_symbol(to_bytes("1" * 16), 0, lookup) == 0
    short = build_lookup(bytes([1, *[0] * 15]), b"\7")
    assert read_symbol(to_bytes("1"), 0, short) == 0


@pytest.mark.parametrize("counts", [[3], [1, 3], [0, 5], [2, 1]])
def test_more_codes_than_bits_for_them_are_refused(counts: list[int]) -> None:
    padded = bytes(counts + [0] * (16 - len(counts)))
    with pytest.raises(UnreadableSourceError, match="too many codes"):
        build_lookup(padded, bytes(sum(counts)))


def test_sixteen_bits_are_seen_from_any_position() -> None:
    text = "0110100110010110" * 3
    bits = to_bytes(text)
    for at in range(32):
        assert peek(bits, at) == int(text[at : at + 16], 2)


@pytest.mark.parametrize(
    ("bits", "value"), [("", 0), ("0", -1), ("1", 1), ("00", -3), ("11", 3), ("0111", -8)]
)
def test_appended_bits_give_signed_values(bits: str, value: int) -> None:
    # The bits behind them have no part in it.
    for rest in "01":
        word = int((bits + rest * 16)[:16], 2)
        assert extend(word, len(bits)) == value
