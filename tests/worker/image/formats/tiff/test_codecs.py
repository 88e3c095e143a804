"""Decompression returns no more bytes than asked for, and refuses fewer."""

import lzma
import zlib

import imagecodecs
import numpy as np
import pytest

from contract.errors import CorruptImageError, UnsupportedImageError
from worker.image.formats.tiff import codecs
from worker.image.formats.tiff.codecs import (
    COMPRESSIONS,
    LEGACY,
    UNSUPPORTED,
    check_compression,
    decode_fax,
    decompress,
    decompress_parts,
    inflate_parts,
)

CONTENT = bytes(range(200)) * 50
ENCODED = {
    1: CONTENT,
    5: imagecodecs.lzw_encode(CONTENT),
    8: zlib.compress(CONTENT),
    32946: zlib.compress(CONTENT),
    50013: zlib.compress(CONTENT),
    32773: imagecodecs.packbits_encode(CONTENT),
    34925: lzma.compress(CONTENT),
    50000: imagecodecs.zstd_encode(CONTENT),
}


@pytest.mark.parametrize("compression", ENCODED)
def test_content_comes_back(compression: int) -> None:
    encoded = ENCODED[compression]
    size = len(CONTENT)
    assert bytes(decompress(encoded, compression, size, size)) == CONTENT
    assert bytes(decompress(encoded, compression, size - 9, size)) == CONTENT[:-9]
    with pytest.raises(CorruptImageError):
        decompress(encoded, compression, size + 1, size + 1)


@pytest.mark.parametrize("compression", set(ENCODED) - {1})
def test_damage_and_truncation_are_errors(compression: int) -> None:
    encoded = ENCODED[compression]
    size = len(CONTENT)
    for damaged in (encoded[: len(encoded) // 2], b"\xff\x00\x13" * 50, b""):
        with pytest.raises(CorruptImageError):
            decompress(damaged, compression, size, size)


def test_a_bomb_is_not_inflated() -> None:
    bomb = zlib.compress(bytes(1_000_000))
    assert len(decompress(bomb, 8, 100, 200)) == 100
    bomb = lzma.compress(bytes(1_000_000))
    assert len(decompress(bomb, 34925, 100, 200)) == 100


@pytest.mark.parametrize("large_bytes", [0, 1 << 20])
@pytest.mark.parametrize("compression", ENCODED)
def test_parts_are_the_content(
    compression: int, large_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, "LARGE_BYTES", large_bytes)
    monkeypatch.setattr(codecs, "PIECE_BYTES", 7)
    sizes = [3000, 1, 4000, 2000]
    parts = list(decompress_parts(ENCODED[compression], compression, sizes, len(CONTENT)))
    assert [len(part) for part in parts] == sizes
    assert b"".join(parts) == CONTENT[: sum(sizes)]


@pytest.mark.parametrize("piece_bytes", [7, 1 << 18])
def test_damage_is_found_in_parts(piece_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "PIECE_BYTES", piece_bytes)
    encoded = ENCODED[8]
    for damaged in (encoded[: len(encoded) // 2], b"\xff\x00\x13" * 50, b"", zlib.compress(b"a")):
        with pytest.raises(CorruptImageError):
            list(inflate_parts(damaged, [len(CONTENT) // 2] * 2))


def test_a_large_strip_is_inflated_as_it_is_read() -> None:
    # The damage lies behind the part that was asked for.
    encoded = zlib.compress(bytes(1_000_000))[:-600] + b"damaged"
    assert next(inflate_parts(encoded, [1000, 999_000])) == bytes(1000)


def test_the_memory_of_lzma_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "LZMA_MEMORY_BYTES", 1 << 20)
    with pytest.raises(CorruptImageError):
        decompress(ENCODED[34925], 34925, 100, 100)


def test_a_run_may_go_on_behind_the_last_row() -> None:
    encoded = imagecodecs.packbits_encode(bytes(128))
    assert bytes(decompress(encoded, 32773, 100, 100)) == bytes(100)


def test_lzw_of_the_old_order_is_read() -> None:
    # Codes of nine bits from the least significant one: clear, "a", "b", end.
    codes = 256 | ord("a") << 9 | ord("b") << 18 | 257 << 27
    assert bytes(decompress(codes.to_bytes(5, "little"), 5, 2, 2)) == b"ab"


@pytest.mark.parametrize("compression", UNSUPPORTED)
def test_what_is_not_read_is_named(compression: int) -> None:
    with pytest.raises(UnsupportedImageError, match=UNSUPPORTED[compression]):
        check_compression(compression)


def test_unknown_compressions_have_their_number() -> None:
    with pytest.raises(UnsupportedImageError, match="Compression 12345 "):
        check_compression(12345)
    for compression in COMPRESSIONS:
        check_compression(compression)
    assert not COMPRESSIONS.keys() & UNSUPPORTED.keys()
    assert COMPRESSIONS.keys() >= LEGACY


def test_missing_rows_of_a_fax_are_white() -> None:
    # G4: a vertical mode code of 1 bit is a row like the white one before the first.
    bits = decode_fax(b"\xc0", 4, 0, 5, 8)
    np.testing.assert_array_equal(bits, np.zeros((5, 8, 1), np.uint8))


@pytest.mark.parametrize(
    ("row_code", "row"),
    [
        # White 5, black 0, white 3, black 4; and white 2, black 4, white 0, black 4 (T.6, table 2).
        ("001 1100 0000110111 001 1000 011 1", "0000000011110000"),
        ("001 0111 011 001 00110101 011 1", "0011111111000000"),
    ],
)
def test_empty_runs_of_a_fax_count_as_runs(row_code: str, row: str) -> None:
    # The second row has the changes of the first one, of which the empty run is one.
    code = (row_code + "111" + 2 * "000000000001").replace(" ", "")
    code = code.ljust(-(-len(code) // 8) * 8, "0")
    bits = decode_fax(int(code, 2).to_bytes(len(code) // 8, "big"), 4, 0, 2, 16)
    assert "".join(map(str, bits[0, :, 0])) == row
    # As libtiff and FFmpeg show it.
    second = {"0000000011110000": "0000011111110000"}.get(row, "0011110000000000")
    assert "".join(map(str, bits[1, :, 0])) == second
