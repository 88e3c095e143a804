"""A WebP's frame is read whatever stands around it."""

import io
import struct
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.errors import CorruptImageError
from tests.photos import file_of, photo
from tests.worker.image.tagged_uploads import make_exif
from worker.image.formats.webp import read, write_chunk
from worker.image.samples import Samples

PHOTO = photo(40, 30)
FRAME = file_of(PHOTO, "WEBP", lossless=True)[12:]
EXIF = make_exif(orientation=6).tobytes().removeprefix(b"Exif\0\0")
PROFILE = bytes(200)


def canvas(size_px: tuple[int, int] = (40, 30), flags: int = 0) -> bytes:
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size_px)
    return write_chunk(b"VP8X", struct.pack("<I", flags) + sides)


def riff(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def animation(
    place: tuple[int, int], frame: bytes = FRAME, size_px: tuple[int, int] = (40, 30)
) -> bytes:
    fields = (place[0] // 2, place[1] // 2, size_px[0] - 1, size_px[1] - 1, 100)
    header = b"".join(number.to_bytes(3, "little") for number in fields) + b"\0"
    return write_chunk(b"ANIM", bytes(6)) + write_chunk(b"ANMF", header + frame)


def values_of(data: bytes) -> NDArray[Any]:
    found = read(data).pixels
    return found.values if isinstance(found, Samples) else np.asarray(found)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_photos_of_pillow_are_the_same(mode: str, lossless: bool) -> None:
    picture = Image.fromarray(PHOTO).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.fromarray(PHOTO[..., 0]))
    data = file_of(picture, "WEBP", lossless=lossless)
    with Image.open(io.BytesIO(data)) as expected:
        assert np.array_equal(values_of(data), np.asarray(expected))


@pytest.mark.parametrize("length", [0, len(FRAME), len(FRAME) + 2, 2**32 - 10])
def test_the_length_in_the_file_s_header_is_not_needed(length: int) -> None:
    assert np.array_equal(values_of(riff(FRAME, length=length)), PHOTO)


@pytest.mark.parametrize(
    "chunk",
    [
        write_chunk(b"EXIF", b"garbage"),
        write_chunk(b"EXIF", b"MM\0*\0\0\0\x08\xff\xff"),
        write_chunk(b"XMP ", b"<garbage"),
        write_chunk(b"ICCP", b"garbage"),
        write_chunk(b"ABCD", b"xyz"),
        write_chunk(b"EXIF", EXIF)[:-9],
        b"\0" * 7,
    ],
)
def test_damage_in_what_is_not_needed_does_not_matter(chunk: bytes) -> None:
    stored = read(riff(canvas(flags=0x2C), FRAME, chunk))
    assert stored.orientation == 1
    assert np.array_equal(np.asarray(stored.pixels), PHOTO)


@pytest.mark.parametrize("name", [b"", b"Exif\0\0"])
def test_metadata_and_profile_are_read_at_any_place(name: bytes) -> None:
    parts = [
        write_chunk(b"EXIF", name + EXIF),
        write_chunk(b"XMP ", b"<x/>"),
        write_chunk(b"ICCP", PROFILE),
    ]
    for chunks in ((canvas(), *parts, FRAME), (canvas(), FRAME, *parts)):
        stored = read(riff(*chunks))
        assert stored.orientation == 6
        assert (stored.metadata.exif, stored.metadata.xmp) == (EXIF, b"<x/>")
        assert isinstance(stored.pixels, Image.Image)
        assert stored.pixels.info["icc_profile"] == PROFILE


def test_the_first_frame_of_an_animation_is_put_on_its_canvas() -> None:
    frames = [Image.fromarray(photo(40, 30, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert np.array_equal(values_of(data)[..., :3], photo(40, 30, 1))
    values = values_of(riff(canvas((50, 44), 2), animation((4, 6)), animation((0, 0))))
    assert values.shape == (44, 50, 4)
    assert np.array_equal(values[6:36, 4:44, :3], PHOTO)
    assert values[..., 3].sum() == 255 * 40 * 30


@pytest.mark.parametrize(
    "data",
    [
        riff(canvas((39, 30)), FRAME),
        riff(canvas((60, 30)), FRAME),
        riff(canvas((40, 30), 2), animation((2, 0))),
        riff(canvas((40, 30), 2), animation((0, 0), b"")),
        riff(canvas((40, 30), 2), write_chunk(b"ANMF", b"short")),
        riff(canvas()),
    ],
)
def test_a_frame_that_does_not_fit_is_damage(data: bytes) -> None:
    with pytest.raises(CorruptImageError):
        read(data)


@pytest.mark.parametrize("lossless", [True, False])
def test_a_truncated_frame_is_damage(lossless: bool) -> None:
    data = file_of(PHOTO, "WEBP", lossless=lossless)
    for length in (20, 26, 31, 100, len(data) - 30, len(data) - 2):
        with pytest.raises(CorruptImageError):
            read(data[:length])


def test_nothing_but_typed_errors_escapes_a_mutated_file() -> None:
    rng = np.random.default_rng(0)
    seeds = [
        riff(canvas(flags=0x2C), write_chunk(b"ICCP", PROFILE), FRAME, write_chunk(b"EXIF", EXIF)),
        riff(canvas((50, 44), 2), animation((4, 6))),
        file_of(PHOTO, "WEBP"),
    ]
    for number in range(400):
        data = bytearray(seeds[number % len(seeds)])
        for place in rng.integers(12, min(len(data), 100 + 400 * (number % 2)), rng.integers(1, 4)):
            data[place] = rng.integers(256)
        try:
            read(bytes(data[: rng.integers(20, 2 * len(data))]))
        except CorruptImageError:
            continue


def test_millions_of_chunks_are_refused_at_once() -> None:
    started_s = time.process_time()
    with pytest.raises(CorruptImageError):
        read(riff(canvas(), write_chunk(b"ABCD", b"") * 500_000, FRAME))
    assert time.process_time() - started_s < 1
