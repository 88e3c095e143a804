"""A BMP of any depth, with masks, a palette or run lengths, gives the samples that it has."""

import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError, UnsupportedImageError
from tests.photos import file_of, photo
from tests.worker.image.formats.bmp.files import bmp, info, rows
from worker.image.formats.bmp import read
from worker.image.samples import Samples

REPORTS = (
    Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[6] / "shared" / "data")
    / "reports"
)


def values_of(data: bytes) -> NDArray[Any]:
    """Return the samples of a BMP as (height, width, channels)."""
    found = read(data).pixels
    return found.values if isinstance(found, Samples) else np.atleast_3d(np.asarray(found))


def random_words(depth: int, size_px: tuple[int, int] = (5, 7)) -> NDArray[Any]:
    return np.random.default_rng(depth).integers(0, 1 << depth, size_px, np.uint64)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA"])
def test_files_of_pillow_are_the_same(mode: str) -> None:
    picture = Image.fromarray(photo(13, 9)).convert(mode)
    expected = np.atleast_3d(np.asarray(picture.convert({"P": "RGB", "1": "L"}.get(mode, mode))))
    assert np.array_equal(values_of(file_of(picture, "BMP")), expected)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_of_any_depth_is_read_in_both_orders(depth: int) -> None:
    palette = np.random.default_rng(0).integers(0, 256, (1 << depth, 4), np.uint8)
    indices = random_words(depth)
    data = bmp(info((7, 5), depth), palette.tobytes(), rows(indices, depth))
    assert np.array_equal(values_of(data), palette[indices][..., 2::-1])
    data = bmp(info((7, -5), depth), palette.tobytes(), rows(indices, depth))
    assert np.array_equal(values_of(data)[::-1], palette[indices][..., 2::-1])


def test_an_index_beyond_the_palette_is_black() -> None:
    data = bmp(info((2, 1), 8, colours=1), b"\1\2\3\0", b"\0\x09\0\0")
    assert values_of(data).tolist() == [[[3, 2, 1], [0, 0, 0]]]


@pytest.mark.parametrize(
    "masks",
    [
        (0x7C00, 0x3E0, 0x1F, 0),
        (0xF800, 0x7E0, 0x1F, 0),
        (0xF00, 0xF0, 0xF, 0xF000),
        (0x7C00, 0x3E0, 0x1F, 0x8000),
        (0xC000, 0x3800, 0x400, 0),
        (0xFF00, 0xFF, 0, 0),
    ],
)
def test_masks_of_16_bits_are_scaled_to_full_intensity(masks: tuple[int, ...]) -> None:
    words = random_words(16)
    data = bmp(info((7, 5), 16, 3, length=56, masks=masks), b"", rows(words, 16))
    values = values_of(data)
    assert values.shape[2] == (4 if masks[3] else 3)
    for channel in range(values.shape[2]):
        mask = masks[channel]
        exact = (words & np.uint64(mask)) / max(mask, 1) * 255
        step = 255 / max(mask // (mask & -mask or 1), 1)
        assert np.abs(values[..., channel] - exact).max() <= max(step / 256, 0.51) + step


@pytest.mark.parametrize(
    "masks", [(0xFFE00000, 0x1FFC00, 0x3FF, 0), (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)]
)
def test_masks_of_more_than_8_bits_keep_their_depth(masks: tuple[int, ...]) -> None:
    words = random_words(32)
    values = values_of(bmp(info((7, 5), 32, 3, length=56, masks=masks), b"", rows(words, 32)))
    assert values.dtype == np.uint16
    for channel, mask in enumerate(masks[: values.shape[2]]):
        shift = (mask & -mask).bit_length() - 1
        exact = ((words & np.uint64(mask)) >> np.uint64(shift)) / (mask >> shift) * 65_535
        assert np.abs(values[..., channel] - exact).max() <= 0.5


def test_alpha_of_32_bits_that_is_zero_everywhere_is_none() -> None:
    words = random_words(24)
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = info((7, 5), 32, 3, length=124, masks=masks)
    assert values_of(bmp(header, b"", rows(words, 32))).shape[2] == 3
    words[2, 3] |= np.uint64(0x80000000)
    assert values_of(bmp(header, b"", rows(words, 32)))[2, 3, 3] == 0x80


def test_alpha_of_16_bits_counts_even_if_it_is_zero_everywhere() -> None:
    masks = (0x7C00, 0x3E0, 0x1F, 0x8000)
    values = values_of(
        bmp(info((7, 5), 16, 3, length=56, masks=masks), b"", rows(random_words(15), 16))
    )
    assert not values[..., 3].any()


def test_the_fourth_byte_is_alpha_unless_masks_say_otherwise() -> None:
    words = random_words(32)
    values = values_of(bmp(info((7, 5), 32), b"", rows(words, 32)))
    assert np.array_equal(values[..., 3], words >> np.uint64(24))
    masks = (0xFF0000, 0xFF00, 0xFF)
    assert values_of(bmp(info((7, 5), 32, 3, masks=masks), b"", rows(words, 32))).shape[2] == 3
    assert values_of(bmp(info((7, 5), 32), b"", rows(random_words(24), 32))).shape[2] == 3


def test_run_lengths_of_a_photo_are_read_whatever_their_number() -> None:
    indices = np.asarray(Image.fromarray(photo(400, 300)).convert("L"))
    # Single pixels as runs of one: more runs than a limit on reads would allow.
    runs = np.stack((np.ones_like(indices), indices), axis=-1).reshape(300, -1)[::-1]
    data = b"".join(row.tobytes() + b"\0\0" for row in runs) + b"\0\1"
    palette = np.arange(256, dtype=np.uint8).repeat(4).tobytes()
    assert np.array_equal(values_of(bmp(info((400, 300), 8, 1), palette, data))[..., 0], indices)


def test_pixels_in_no_run_have_colour_0() -> None:
    data = bmp(info((3, 2), 8, 1), b"\1\2\3\0" * 256, b"\1\7\0\1")
    assert (values_of(data) == (3, 2, 1)).all()


def test_run_lengths_of_24_bits_are_read() -> None:
    data = bmp(info((2, 1), 24, 4, length=64), b"", b"\2\1\2\3\0\1")
    assert values_of(data).tolist() == [[[3, 2, 1], [3, 2, 1]]]


def test_only_the_last_row_s_padding_may_be_missing() -> None:
    data = file_of(photo(13, 9), "BMP")
    assert np.array_equal(values_of(data[:-1]), photo(13, 9))
    for length in (30, 60, len(data) - 2, len(data) - 100):
        with pytest.raises(CorruptImageError):
            read(data[:length])


def test_truncated_run_lengths_are_damage() -> None:
    with pytest.raises(CorruptImageError, match="truncated"):
        read(bmp(info((3, 2), 8, 1), bytes(1024), b"\3\7\0\0\2\7"))


def test_density_and_profile_are_kept() -> None:
    header = bytearray(info((3, 2), 24, length=124, density=(11_811, 11_811)))
    header[56:60] = b"DEBM"
    header[112:120] = struct.pack("<II", 124 + 24, 200)
    stored = read(bmp(bytes(header), b"", bytes(24)) + bytes(200))
    assert stored.metadata.density == (300, 300, 1)
    assert isinstance(stored.pixels, Image.Image)
    assert stored.pixels.info["icc_profile"] == bytes(200)


def test_nothing_but_typed_errors_escapes_a_mutated_file() -> None:
    rng = np.random.default_rng(0)
    seeds = [
        bmp(info((7, 5), 16, 3, length=56, masks=(0xF00, 0xF0, 0xF, 0xF000)), b"", bytes(80)),
        bmp(info((7, 5), 4, 2, colours=3), bytes(12), b"\7\1\0\0\0\5abc\0\0\2\1\1\7\2\0\1"),
        bmp(info((7, 5), 24, length=124), b"", bytes(120)),
        bmp(struct.pack("<IHHHH", 12, 7, 5, 1, 1), bytes(6), bytes(20)),
    ]
    for number in range(1_200):
        data = bytearray(seeds[number % len(seeds)])
        for place in rng.integers(10, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        width, height = struct.unpack_from("<ii", data, 18)
        if abs(width * height) > 100_000 or width < 1 or height == 0:
            continue
        try:
            read(bytes(data[: rng.integers(20, 2 * len(data))]))
        except (CorruptImageError, UnsupportedImageError):
            continue


def test_a_megabyte_of_empty_deltas_takes_no_time() -> None:
    data = bmp(info((3, 2), 8, 1), bytes(1024), b"\0\2\0\0" * 1_000_000)
    read(bmp(info((3, 2), 8, 1), bytes(1024), b"\0\1"))  # compiles
    started_s = time.process_time()
    with pytest.raises(CorruptImageError):
        read(data)
    assert time.process_time() - started_s < 0.5


@pytest.mark.data
@pytest.mark.skipif(not REPORTS.is_dir(), reason="no reports under FOVEATE_DATA")
@pytest.mark.parametrize(
    "name", ["32-bit-alpha-all-zero", "alpha-1555-ignored", "refused-rgba16-4444", "rle8-256x171"]
)
def test_files_of_bug_reports_are_right(name: str) -> None:
    values = values_of((REPORTS / f"bmp-{name}.bmp").read_bytes()).astype(float)
    alpha = values[..., 3:] / 255 if values.shape[2] == 4 else 1
    with Image.open(REPORTS / f"bmp-{name}.bmp.expected.png") as expected:
        wanted = np.asarray(expected.convert("RGB"), np.float64)
    assert np.abs(values[..., :3] * alpha + 255 * (1 - alpha) - wanted).max() <= 1
