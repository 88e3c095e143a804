"""A PNG of any depth and colour type gives the samples that it has."""

import io
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError, UnsupportedImageError
from tests.photos import file_of, photo
from tests.worker.image.formats.png.files import CHANNELS, MAGIC, chunk, header, pixels, png
from worker.image.formats.png import read
from worker.image.samples import Samples

REPORTS = (
    Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[6] / "shared" / "data")
    / "reports"
)
DEPTHS = [
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 8),
    (0, 16),
    (2, 8),
    (2, 16),
    (4, 8),
    (4, 16),
    (6, 8),
    (6, 16),
]


def random_samples(depth: int, channels: int, size_px: tuple[int, int] = (5, 7)) -> NDArray[Any]:
    rng = np.random.default_rng(depth + channels)
    return rng.integers(0, 1 << depth, (*size_px, channels), np.uint16)


def values_of(data: bytes) -> NDArray[Any]:
    """Return the samples of a PNG as (height, width, channels)."""
    found = read(data).pixels
    return found.values if isinstance(found, Samples) else np.atleast_3d(np.asarray(found))


@pytest.mark.parametrize(("colour_type", "depth"), DEPTHS)
def test_samples_of_every_depth_and_colour_type_are_exact(colour_type: int, depth: int) -> None:
    samples = random_samples(depth, CHANNELS[colour_type])
    values = values_of(png(samples, depth, colour_type))
    scale = 1 if depth >= 8 else 255 // ((1 << depth) - 1)
    assert values.dtype == (np.uint16 if depth == 16 else np.uint8)
    assert np.array_equal(values, samples * scale)


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
def test_interlaced_samples_of_16_bits_are_exact(colour_type: int) -> None:
    channels = CHANNELS[colour_type]
    samples = random_samples(16, channels, (9, 11))
    # Adam7 (8.1): first row and column, and the steps to the next ones.
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = b"".join(
        b"\0" + row.astype(">u2").tobytes()
        for top, left, down, right in passes
        for row in samples[top::down, left::right]
        if row.size
    )
    data = (
        MAGIC
        + header(11, 9, 16, colour_type, 1)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND")
    )
    assert np.array_equal(values_of(data), samples)


def test_ordinary_photos_stay_pictures_of_pillow() -> None:
    for mode in ("RGB", "L"):
        picture = Image.fromarray(photo(20, 16)).convert(mode)
        found = read(file_of(picture)).pixels
        assert isinstance(found, Image.Image)
        assert found.mode == mode
        assert found.tobytes() == picture.tobytes()


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_is_compared_in_the_file_s_depth(depth: int) -> None:
    samples = random_samples(depth, 1)
    level = int(samples[0, 0, 0])
    # Bits above the depth don't count.
    written = level | (0xFFFF << depth & 0xFFFF)
    values = values_of(png(samples, depth, 0, chunk(b"tRNS", struct.pack(">H", written))))
    assert values.shape[2] == 2
    assert np.array_equal(values[..., 1] == 0, samples[..., 0] == level)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_needs_all_its_samples(depth: int) -> None:
    samples = random_samples(depth, 3)
    samples[0, 1] = samples[0, 0]
    samples[0, 1, 2] ^= 1
    values = values_of(png(samples, depth, 2, chunk(b"tRNS", struct.pack(">HHH", *samples[0, 0]))))
    assert values[0, :2, 3].tolist() == [0, 255 if depth == 8 else 65_535]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_may_be_transparent(depth: int) -> None:
    count = 1 << depth
    palette = np.random.default_rng(depth).integers(0, 256, (count, 3), np.uint8)
    indices = random_samples(depth, 1)
    start = chunk(b"PLTE", palette.tobytes())
    assert np.array_equal(values_of(png(indices, depth, 3, start)), palette[indices[..., 0]])
    values = values_of(png(indices, depth, 3, start, chunk(b"tRNS", b"\x40")))
    assert np.array_equal(values[..., :3], palette[indices[..., 0]])
    assert np.array_equal(values[..., 3], np.where(indices[..., 0] == 0, 0x40, 255))


def test_an_index_beyond_the_palette_is_black() -> None:
    data = png(np.array([[0, 3]]), 2, 3, chunk(b"PLTE", b"\x10\x20\x30"))
    assert values_of(data).tolist() == [[[0x10, 0x20, 0x30], [0, 0, 0]]]


@pytest.mark.parametrize("palette", [b"", b"\1\2\3\4", bytes(3 * 257)])
def test_a_palette_that_is_none_is_damage(palette: bytes) -> None:
    with pytest.raises(CorruptImageError):
        read(png(np.zeros((2, 2), int), 8, 3, chunk(b"PLTE", palette)))


def test_a_transparency_of_the_wrong_length_is_ignored() -> None:
    grey = np.zeros((2, 2), int)
    assert values_of(png(grey, 8, 0, chunk(b"tRNS", b"\0"))).shape == (2, 2, 1)
    palette = chunk(b"PLTE", bytes(3))
    assert values_of(png(grey, 8, 3, palette, chunk(b"tRNS", b"\0\0"))).shape == (2, 2, 3)


def test_a_truncated_file_is_damage_unless_all_pixels_are_there() -> None:
    data = file_of(photo(40, 30))
    end = data.index(b"IEND") - 4
    for length in (end, end - 2, end - 4):
        assert np.array_equal(values_of(data[:length]), photo(40, 30))
    for length in range(40, end - 8, 97):
        with pytest.raises(CorruptImageError):
            read(data[:length])


def test_a_wrong_checksum_of_pixels_is_damage() -> None:
    data = file_of(photo(40, 30))
    end = data.index(b"IEND") - 4
    with pytest.raises(CorruptImageError):
        read(data[: end - 1] + bytes((data[end - 1] ^ 1,)) + data[end:])


def test_the_default_image_of_an_animation_is_read() -> None:
    frames = [Image.fromarray(photo(12, 9, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert b"acTL" in data
    assert np.array_equal(values_of(data), photo(12, 9, 1))


def test_the_variant_of_apple_is_named() -> None:
    data = MAGIC + chunk(b"CgBI", bytes(4)) + file_of(photo(8, 8))[8:]
    with pytest.raises(UnsupportedImageError, match="CgBI"):
        read(data)


def test_the_orientation_of_exif_behind_the_pixels_counts() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    data = png(np.zeros((2, 2), int), 8, 0, after=chunk(b"eXIf", content))
    assert read(data).orientation == 6


def test_nothing_but_typed_errors_escapes_a_mutated_file() -> None:
    rng = np.random.default_rng(0)
    seeds = [
        png(random_samples(16, 4), 16, 6, chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0")),
        png(random_samples(2, 1), 2, 3, chunk(b"PLTE", bytes(12)), chunk(b"tRNS", b"\1\2")),
        png(random_samples(8, 3), 8, 2, chunk(b"tEXt", b"Raw profile type exif\0\nexif\n2\n4d4d")),
    ]
    for number in range(600):
        data = bytearray(seeds[number % len(seeds)])
        for place in rng.integers(8, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        if int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big") > 10_000:
            continue
        try:
            read(bytes(data[: rng.integers(60, len(data))]) if number % 2 else bytes(data))
        except (CorruptImageError, UnsupportedImageError):
            continue


def test_millions_of_chunks_are_refused_at_once() -> None:
    data = file_of(photo(8, 8))
    started_s = time.process_time()
    with pytest.raises(CorruptImageError, match="chunks"):
        read(data[:33] + chunk(b"prVt") * 500_000 + data[33:])
    assert time.process_time() - started_s < 1


def test_pixels_in_thousands_of_chunks_are_joined() -> None:
    samples = random_samples(16, 3, (40, 50))
    packed = pixels(samples, 16)[8:-4]
    start = MAGIC + header(50, 40, 16, 2)
    data = (
        start
        + b"".join(chunk(b"IDAT", packed[at : at + 1]) for at in range(len(packed)))
        + chunk(b"IEND")
    )
    assert np.array_equal(values_of(data), samples)


@pytest.mark.data
@pytest.mark.skipif(not REPORTS.is_dir(), reason="no reports under FOVEATE_DATA")
@pytest.mark.parametrize(
    "name", ["bad-exif-chunk", "grey-4-bit-trns", "refused-iccp-crc", "xmp-orientation"]
)
def test_files_of_bug_reports_are_right(name: str) -> None:
    stored = read((REPORTS / f"png-{name}.png").read_bytes())
    expected = Image.open(io.BytesIO((REPORTS / f"png-{name}.png.expected.png").read_bytes()))
    assert stored.orientation == 1
    found = stored.pixels
    if isinstance(found, Samples):
        alpha = found.values[..., -1:] / 255
        flat = found.values[..., :-1] * alpha + 255 * (1 - alpha)
    else:
        flat = np.atleast_3d(np.asarray(found, np.float64))
    wanted = np.asarray(expected.convert("RGB"), np.float64)
    assert np.abs(flat - wanted).max() <= 1
