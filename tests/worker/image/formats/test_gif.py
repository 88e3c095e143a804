"""The first frame of a GIF is read at its place on the screen."""

import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError
from tests.photos import file_of, photo
from worker.image.formats.gif import XMP_TRAILER, read
from worker.image.samples import Samples

REPORTS = (
    Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[5] / "shared" / "data")
    / "reports"
)
PALETTE = bytes((10, 20, 30, 40, 50, 60))


def blocks(indices: NDArray[Any]) -> bytes:
    """Return indices of 0 and 1 as Pillow packs them."""
    picture = Image.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette(PALETTE)
    data = file_of(picture, "GIF", interlace=0)
    return data[data.index(b",", 13 + 12) + 10 : -1]


def gif(
    screen_px: tuple[int, int],
    indices: NDArray[Any],
    place: tuple[int, int] = (0, 0),
    *,
    extensions: bytes = b"",
    own_palette: bytes = b"",
) -> bytes:
    """Return a GIF with one frame at ``place``, (left, top)."""
    start = b"GIF89a" + struct.pack("<HHBBB", *screen_px, 0x80, 0, 0) + PALETTE
    size_px = indices.shape[1], indices.shape[0]
    frame = struct.pack("<HHHHB", *place, *size_px, 0x80 if own_palette else 0)
    return start + extensions + b"," + frame + own_palette + blocks(indices) + b";"


def control(index: int, *, is_transparent: bool = True) -> bytes:
    return b"!\xf9\4" + bytes((is_transparent, 0, 0, index)) + b"\0"


def application(name: bytes, content: bytes) -> bytes:
    parts = [content[at : at + 255] for at in range(0, len(content), 255)]
    return b"!\xff\x0b" + name + b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


CHECKERS = np.indices((3, 4)).sum(axis=0) % 2
COLOURS = np.frombuffer(PALETTE, np.uint8).reshape(2, 3)


def samples_of(data: bytes) -> NDArray[Any]:
    found = read(data).pixels
    return found.values if isinstance(found, Samples) else np.asarray(found)


def test_a_frame_that_fills_the_screen_is_opaque() -> None:
    assert np.array_equal(samples_of(gif((4, 3), CHECKERS)), COLOURS[CHECKERS])


def test_the_rest_of_the_screen_is_transparent() -> None:
    values = samples_of(gif((9, 8), CHECKERS, (2, 1)))
    assert values.shape == (8, 9, 4)
    assert np.array_equal(values[1:4, 2:6, :3], COLOURS[CHECKERS])
    assert values[..., 3].sum() == 255 * CHECKERS.size
    assert values[1:4, 2:6, 3].min() == 255


def test_a_frame_beyond_the_screen_is_whole() -> None:
    values = samples_of(gif((2, 2), CHECKERS, (1, 0)))
    assert values.shape == (3, 5, 4)
    assert np.array_equal(values[:, 1:, :3], COLOURS[CHECKERS])


def test_the_frame_s_own_palette_comes_first() -> None:
    own = bytes((1, 2, 3, 4, 5, 6))
    values = samples_of(gif((4, 3), CHECKERS, own_palette=own))
    assert np.array_equal(values, np.frombuffer(own, np.uint8).reshape(2, 3)[CHECKERS])


def test_the_last_control_before_the_frame_says_what_is_transparent() -> None:
    values = samples_of(gif((4, 3), CHECKERS, extensions=control(0) + control(1)))
    assert np.array_equal(values[..., 3] == 0, CHECKERS == 1)
    values = samples_of(gif((4, 3), CHECKERS, extensions=control(0, is_transparent=False)))
    assert values.shape[2] == 3


@pytest.mark.parametrize("interlace", [0, 1])
def test_photos_of_pillow_are_the_same(interlace: int) -> None:
    picture = Image.fromarray(photo(30, 21)).convert("P")
    data = file_of(picture, "GIF", interlace=interlace)
    assert np.array_equal(samples_of(data), np.asarray(picture.convert("RGB")))


def test_a_palette_of_all_levels_makes_a_grey_picture() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(samples_of(file_of(levels, "GIF")), levels)


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.fromarray(photo(12, 9, seed)).convert("P") for seed in (1, 2)]
    data = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(samples_of(data), np.asarray(frames[0].convert("RGB")))


def test_an_index_beyond_the_palette_is_black() -> None:
    indices = np.array([[0, 1, 2, 255]], np.uint8)
    picture = Image.fromarray(indices, "P")
    picture.putpalette(bytes(range(9, 9 + 30)))
    data = file_of(picture, "GIF", optimize=False)
    colours = data[13 : 13 + 12]
    short = data[:10] + b"\x81" + data[11:13] + colours + data[13 + (3 << (data[10] & 7) + 1) :]
    assert samples_of(short)[0, 3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "extension",
    [
        b"!\xfe\0",
        b"!\xfe\3abc\0",
        b"!\xf9\0",
        b"!\xf9\1\1\0",
        b"!\xff\0",
        b"!\xff\3abc\0",
        b"!\x77\1a\0",
        b"garbage",
    ],
)
def test_damaged_extensions_are_skipped(extension: bytes) -> None:
    data = gif((4, 3), CHECKERS, extensions=extension)
    assert np.array_equal(samples_of(data), COLOURS[CHECKERS])


def test_profile_and_xmp_are_read() -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>" * 10
    trailer = XMP_TRAILER + bytes(range(251, -1, -1)) + b"\0"
    extensions = application(b"ICCRGBG1012", bytes(range(250)) * 3)
    extensions += b"!\xff\x0bXMP DataXMP" + packet + trailer
    stored = read(gif((4, 3), CHECKERS, extensions=extensions))
    assert isinstance(stored.pixels, Image.Image)
    assert stored.pixels.info["icc_profile"] == bytes(range(250)) * 3
    assert stored.metadata.xmp == packet


def test_garbage_behind_the_frame_does_not_matter() -> None:
    data = gif((4, 3), CHECKERS)
    for end in (data[:-1], data + b"garbage" * 99, data[:-1] + b"!\xfe\xff"):
        assert np.array_equal(samples_of(end), COLOURS[CHECKERS])


def test_a_truncated_frame_is_damage() -> None:
    data = file_of(Image.fromarray(photo(30, 21)).convert("P"), "GIF")
    for length in range(6, len(data) - 20, 37):
        with pytest.raises(CorruptImageError):
            read(data[:length])


def test_a_frame_without_pixels_is_damage() -> None:
    data = gif((4, 3), CHECKERS)
    at = data.index(b",", 19)
    with pytest.raises(CorruptImageError):
        read(data[: at + 5] + bytes(4) + data[at + 9 :])


def test_nothing_but_typed_errors_escapes_a_mutated_file() -> None:
    rng = np.random.default_rng(0)
    seed = gif(
        (9, 8), CHECKERS, (2, 1), extensions=control(1) + application(b"ICCRGBG1012", bytes(300))
    )
    for _ in range(600):
        data = bytearray(seed)
        for place in rng.integers(6, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        size_px = struct.unpack_from("<HH", data, 6)
        if size_px[0] * size_px[1] < 100_000:
            try:
                read(bytes(data[: rng.integers(6, 2 * len(data))]))
            except CorruptImageError:
                continue


def test_many_blocks_are_refused_at_once() -> None:
    started_s = time.process_time()
    with pytest.raises(CorruptImageError):
        read(gif((4, 3), CHECKERS, extensions=b"!\xfe\1a\0" * 500_000))
    assert time.process_time() - started_s < 1


@pytest.mark.data
@pytest.mark.skipif(not REPORTS.is_dir(), reason="no reports under FOVEATE_DATA")
def test_the_file_of_a_bug_report_is_right() -> None:
    name = "gif-frame-smaller-than-screen.gif"
    values = samples_of((REPORTS / name).read_bytes())
    flat = np.where(values[..., 3:] == 255, values[..., :3], 255)
    with Image.open(REPORTS / f"{name}.expected.png") as expected:
        assert np.array_equal(flat, np.asarray(expected.convert("RGB")))
