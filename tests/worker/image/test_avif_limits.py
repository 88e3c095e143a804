"""Frames and pieces of an AVIF are no larger than its declared size and its file."""

import struct
from dataclasses import replace

import pytest
from PIL import Image

from contract.errors import CorruptImageError, TooManyPixelsError
from contract.image_headers.steps import TooManyStepsError
from tests.contract.image_headers.heif_files import (
    HeifItem,
    box,
    full_box,
    heif_file,
    make_grid,
    make_tile,
)
from tests.photos import file_of, photo
from worker.image.avif_limits import MAX_PICTURES, check_avif

TILE = make_tile(64, 48)
TILE_PX = 64 * 48
FRAMES = [Image.fromarray(photo(64, 48, seed)) for seed in (1, 2)]
ANIMATION = file_of(FRAMES[0], "AVIF", speed=10, save_all=True, append_images=FRAMES[1:])
ALPHA = file_of(FRAMES[0].convert("RGBA"), "AVIF", speed=10)


@pytest.mark.parametrize("data", [heif_file([TILE]), ANIMATION, ALPHA])
def test_frames_of_the_limit_are_accepted(data: bytes) -> None:
    check_avif(data, TILE_PX)
    with pytest.raises(TooManyPixelsError, match="frame"):
        check_avif(data, TILE_PX - 1)


def test_the_frame_counts_whatever_size_is_declared() -> None:
    data = heif_file([replace(TILE, size_px=(8, 8))])
    with pytest.raises(TooManyPixelsError):
        check_avif(data, TILE_PX - 1)


def test_tiles_together_are_limited() -> None:
    assert MAX_PICTURES == 4  # as the documents state
    data = heif_file(make_grid(2, MAX_PICTURES, (8, 8), TILE))
    check_avif(data, 2 * TILE_PX)
    with pytest.raises(CorruptImageError, match="tiles"):
        check_avif(data, 2 * TILE_PX - 1)


def test_pieces_together_are_limited() -> None:
    length = len(TILE.content)
    halves = replace(TILE, extents=[(0, length // 2), (length // 2, length - length // 2)])
    check_avif(heif_file([halves] * 3), TILE_PX)
    many = HeifItem(b"mime", b"abc", None, extents=[(0, 3)] * 400)
    with pytest.raises(CorruptImageError, match="pieces"):
        check_avif(heif_file([TILE, replace(many, extents=[(0, 2**31), (0, 1)])]), TILE_PX)
    with pytest.raises(CorruptImageError, match="pieces"):
        check_avif(heif_file([TILE, replace(many, extents=[(0, 0)] * 2)]), TILE_PX)


def test_the_number_of_items_and_frames_is_limited() -> None:
    with pytest.raises(TooManyStepsError):
        check_avif(heif_file([replace(TILE, content=b"\x12\0" * 20_000)]), TILE_PX)


def make_track(offsets: bytes, sizes: bytes, content: bytes) -> bytes:
    """Return a file with one track; its `content` starts at the byte 16."""
    mdat = box(b"mdat", content)
    stbl = box(b"stbl", full_box(b"stsd") + sizes + offsets)
    return box(b"free") + mdat + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", stbl))))


@pytest.mark.parametrize("kind", [b"stco", b"co64"])
@pytest.mark.parametrize("has_list", [False, True])
def test_the_first_sample_of_a_track_counts_and_no_other(kind: bytes, *, has_list: bool) -> None:
    large = make_tile(128, 96).content
    length = len(TILE.content)
    offsets = full_box(kind, struct.pack(">II" if kind == b"stco" else ">IQ", 1, 16))
    fields = (0, 2, length, len(large)) if has_list else (length, 1)
    sizes = full_box(b"stsz", struct.pack(f">{len(fields)}I", *fields))
    data = make_track(offsets, sizes, TILE.content + large)
    check_avif(data, TILE_PX)
    with pytest.raises(TooManyPixelsError):
        check_avif(data, TILE_PX - 1)


def test_a_track_without_samples_has_no_frames() -> None:
    sizes = full_box(b"stsz", struct.pack(">II", 0, 0))
    check_avif(make_track(b"", sizes, TILE.content), 1)
    check_avif(box(b"moov", box(b"trak", box(b"mdia"))), 1)


def test_all_pieces_together_may_be_as_large_as_the_file() -> None:
    item = HeifItem(b"mime", b"", None, extents=[(0, 1), (0, 1)])
    length = len(heif_file([TILE, item]))
    check_avif(heif_file([TILE, replace(item, extents=[(0, length - 1), (0, 1)])]), TILE_PX)
    with pytest.raises(CorruptImageError, match="pieces"):
        check_avif(heif_file([TILE, replace(item, extents=[(0, length), (0, 1)])]), TILE_PX)
