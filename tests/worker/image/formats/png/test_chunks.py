"""Damage in a chunk that isn't needed leaves it out; in a critical one it is an error."""

import numpy as np
import pytest

from contract.errors import CorruptImageError
from tests.worker.image.formats.png.files import MAGIC, chunk, header, pixels, png
from worker.image.formats.png.chunks import read_chunks

GREY = np.zeros((2, 2), np.uint8)
KEYWORD = b"Title"


def damage(part: bytes) -> bytes:
    """Return a chunk with a wrong checksum."""
    return part[:-1] + bytes((part[-1] ^ 1,))


def read(data: bytes) -> dict[bytes, bytes]:
    return read_chunks(data, frozenset({KEYWORD})).first


def test_the_first_intact_chunk_of_each_kind_counts() -> None:
    data = png(
        GREY,
        8,
        0,
        damage(chunk(b"gAMA", b"1111")),
        chunk(b"gAMA", b"2222"),
        chunk(b"gAMA", b"3333"),
    )
    assert read(data)[b"gAMA"] == b"2222"


@pytest.mark.parametrize("kind", [b"iCCP", b"eXIf", b"tRNS", b"pHYs", b"cICP", b"tIME", b"prVt"])
def test_a_wrong_checksum_leaves_out_what_is_not_needed(kind: bytes) -> None:
    assert kind not in read(png(GREY, 8, 0, damage(chunk(kind, b"1234"))))


@pytest.mark.parametrize("place", [0, 1])
def test_a_wrong_checksum_of_header_or_palette_is_damage(place: int) -> None:
    parts = [header(2, 2, 8, 3), chunk(b"PLTE", bytes(3)), pixels(GREY, 8)]
    parts[place] = damage(parts[place])
    with pytest.raises(CorruptImageError, match=["IHDR", "PLTE"][place]):
        read(MAGIC + b"".join(parts))


def test_pixels_count_up_to_a_wrong_checksum() -> None:
    parts = [header(2, 2, 8, 0), pixels(GREY, 8), damage(pixels(GREY, 8)), pixels(GREY, 8)]
    assert len(read_chunks(MAGIC + b"".join(parts), frozenset()).pixels) == 1


def test_chunks_at_odd_places_are_left_out_or_read_where_that_is_safe() -> None:
    late = [chunk(kind, b"1234") for kind in (b"gAMA", b"tRNS", b"PLTE", b"eXIf")]
    assert set(read(png(GREY, 8, 0, after=b"".join(late)))) == {b"IHDR", b"eXIf"}
    early = MAGIC + chunk(b"prVt") + png(GREY, 8, 0)[8:]
    assert set(read(early)) == {b"IHDR"}


def test_transparency_before_the_palette_is_left_out() -> None:
    palette, alpha = chunk(b"PLTE", bytes(3)), chunk(b"tRNS", b"\0")
    assert b"tRNS" not in read(png(GREY, 8, 3, alpha, palette))
    assert b"tRNS" in read(png(GREY, 8, 3, palette, alpha))


def test_only_texts_with_a_known_keyword_are_kept() -> None:
    texts = [chunk(b"tEXt", word + b"\0content") for word in (b"Other", KEYWORD, KEYWORD)]
    chunks = read_chunks(png(GREY, 8, 0, *texts), frozenset({KEYWORD}))
    assert chunks.texts == {KEYWORD: (b"tEXt", b"content")}


def test_what_follows_the_end_is_ignored() -> None:
    assert b"eXIf" not in read(png(GREY, 8, 0) + chunk(b"eXIf", b"1234"))


def test_a_chunk_that_ends_beyond_the_file_is_left_out() -> None:
    data = png(GREY, 8, 0)[:-12] + chunk(b"eXIf", bytes(100))[:-5]
    assert set(read(data)) == {b"IHDR"}
    assert read_chunks(data, frozenset()).pixels
