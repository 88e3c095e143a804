"""The mark of our own files: what makes it valid, what doesn't, and that decoders ignore it."""

import contextlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import codec
from codec.jpeg.syntax.own_mark import MARK_BYTES, add_mark, compute_checksum
from codec.settings import EncodeSettings
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import scene

FILE = pillow_jpeg(scene(48, 64), quality=60)
SETTINGS = EncodeSettings(target="quality")


def is_recognized(jpeg: bytes, settings: EncodeSettings = SETTINGS) -> bool:
    source = codec.read_source(jpeg)
    return source.own_checksum == compute_checksum(source.stripped, settings)


def test_the_mark_is_one_segment_that_decoders_skip() -> None:
    marked = add_mark(FILE, SETTINGS)
    assert len(marked) == len(FILE) + MARK_BYTES
    assert marked[20:31] == b"\xff\xfe\x00\x0eFoveate"
    assert marked[31:36].decode().isprintable()
    assert np.array_equal(shown_pixels(marked), shown_pixels(FILE))
    assert codec.read_source(marked).stripped == FILE


def test_a_marked_file_is_recognized_whatever_its_metadata() -> None:
    marked = add_mark(FILE, SETTINGS)
    comment = b"\xff\xfe\x00\x07hello"
    assert is_recognized(marked)
    assert is_recognized(marked[:20] + comment + marked[20:])
    assert is_recognized(marked + b"trailing bytes")
    assert is_recognized(marked, replace(SETTINGS, max_bytes=5))
    assert not is_recognized(FILE)


def test_a_marked_file_is_recognized_with_another_density() -> None:
    marked = add_mark(FILE, SETTINGS)
    dense = marked[:13] + bytes.fromhex("01 012c 012c") + marked[18:]
    assert is_recognized(dense)
    assert codec.read_source(dense).stripped[:20] == dense[:20]
    assert not is_recognized(marked[:12] + b"\2" + marked[13:])


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 74},
        {"target": "size"},
        {"floor": 39},
        {"strength": 0.5},
        {"tune": "psnr"},
        {"subsampling": "444"},
        {"progressive": True},
    ],
)
def test_a_mark_for_other_settings_does_not_count(options: dict[str, Any]) -> None:
    assert not is_recognized(add_mark(FILE, SETTINGS), replace(SETTINGS, **options))


def test_the_default_floor_is_the_same_as_the_floor_by_name() -> None:
    assert is_recognized(add_mark(FILE, SETTINGS), replace(SETTINGS, floor=40))


@pytest.mark.parametrize("position", [40, 200, -200, -3])
def test_the_mark_of_an_edited_file_does_not_count(position: int) -> None:
    """A program that edits the picture may keep the segment."""
    marked = bytearray(add_mark(FILE, SETTINGS))
    other = pillow_jpeg(scene(48, 64, seed=1), quality=60)
    swapped = bytes(marked[: 20 + MARK_BYTES]) + other[20:]
    assert not is_recognized(swapped)
    marked[position] ^= 1
    with contextlib.suppress(codec.UnreadableSourceError):
        assert not is_recognized(bytes(marked))


@pytest.mark.parametrize("payload", [b"", b"Foveate", b"Foveate ", b"FoveateAAAA"])
def test_a_short_mark_does_not_count(payload: bytes) -> None:
    segment = b"\xff\xfe" + (len(payload) + 2).to_bytes(2, "big") + payload
    assert not is_recognized(FILE[:20] + segment + FILE[20:])
