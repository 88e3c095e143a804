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
