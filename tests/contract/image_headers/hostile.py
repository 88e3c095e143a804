"""Headers made to cost a reader memory or time: mutated small files, and long ones of many pieces."""

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

from PIL import Image

from contract.image_headers.steps import MAX_STEPS
from tests.contract.image_headers.heif_files import (
    HeifItem,
    box,
    full_box,
    heif_file,
    make_grid,
)
from tests.fuzz.seeds import make_seeds
from tests.photos import file_of, photo

EXTREMES = (0, 1, 2, 8, 0x7F, 0x80, 0xFF)
# Mutations hit the header more often than the pixels.
HEADER_BYTES = 400


def mutated_headers(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield ``count`` files of all formats with damaged headers, the same in every run."""
    seeds = [*make_seeds(), *(heif_seeds() * 3)]
    for number in range(count):
        rng = random.Random(number)
        name, data = seeds[number % len(seeds)]
        for _ in range(rng.randint(1, 6)):
            data = rng.choice(MUTATIONS)(data, rng)
        yield f"{name} {number}", data


def heif_seeds() -> list[tuple[str, bytes]]:
    """Return small HEIF files; those of Pillow have one item each."""
    tile = HeifItem(b"av01", b"bits", (64, 48))
    frames = [Image.fromarray(photo(24, 18, seed)) for seed in (1, 2)]
    animation = file_of(frames[0], "AVIF", speed=10, save_all=True, append_images=frames[1:])
    return [
        ("grid.avif", heif_file(make_grid(2, 3, (190, 90), tile))),
        ("idat.avif", heif_file(make_grid(2, 3, (190, 90), tile, in_idat=True))),
        ("animation.avif", animation),
        ("grid.heic", heif_file(make_grid(2, 3, (190, 90), replace(tile, kind=b"hvc1")), b"heic")),
    ]


def set_field(data: bytes, rng: random.Random) -> bytes:
    """Set a field of 1, 2, 4 or 8 bytes to an extreme value."""
    size = rng.choice((1, 2, 4, 8))
    at = rng.randrange(min(len(data), HEADER_BYTES))
    fill = bytes((rng.choice(EXTREMES),)) * size
    value = rng.choice((fill, b"\x7f" + fill[1:], fill[1:] + b"\x7f", fill[:-1] + b"\1"))
    return data[:at] + value + data[at + size :]


def flip_bit(data: bytes, rng: random.Random) -> bytes:
    """Flip one bit."""
    at = rng.randrange(min(len(data), HEADER_BYTES))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


def cut(data: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randint(12, max(12, len(data)))]


def repeat(data: bytes, rng: random.Random) -> bytes:
    """Repeat a part of the header many times."""
    start = rng.randrange(min(len(data), HEADER_BYTES))
    end = start + rng.choice((1, 2, 4, 8, 12, 20, 64))
    return data[:start] + data[start:end] * rng.choice((2, 100, 5_000)) + data[end:]


def remove(data: bytes, rng: random.Random) -> bytes:
    """Remove a part of the header."""
    start = rng.randrange(min(len(data), HEADER_BYTES))
    return data[:start] + data[start + rng.choice((1, 2, 4, 8, 64)) :] or b"\0"


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    set_field,
    set_field,
    flip_bit,
    cut,
    repeat,
    remove,
)


def long_headers(size_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield files of ``size_bytes`` that consist of the smallest pieces of their format."""
    for name, start, piece in (
        ("JPEG of fill bytes", b"\xff\xd8", b"\xff"),
        ("JPEG of escaped bytes", b"\xff\xd8\xff\x01", b"\xff\0"),
        ("JPEG of empty segments", b"\xff\xd8", b"\xff\xe0\0\2"),
        ("JPEG of frames", b"\xff\xd8", b"\xff\xc0\0\x08\x08\0\1\0\1\0"),
        ("JPEG of garbage", b"\xff\xd8\xff\xe0\0\2", b"\0"),
        ("JPEG of long garbage", b"\xff\xd8\xff\xe0\0\2", bytes(65_500) + b"\xff\xe0\0\2"),
        ("PNG of empty chunks", b"\x89PNG\r\n\x1a\n", b"\0\0\0\0prVt\0\0\0\0"),
        ("GIF of tiny blocks", b"GIF89a" + bytes(7) + b"!\xfe", b"\1\1"),
        ("GIF of empty extensions", b"GIF89a" + bytes(7), b"!\xfe\0"),
        ("GIF of garbage", b"GIF89a" + bytes(7), b"\0"),
        ("TIFF of equal tags", b"II*\0\x08\0\0\0\xff\xff", tiff_tag("<HHII", 254)),
        ("TIFF of empty tags", b"MM\0*\0\0\0\x08\xff\xff", tiff_tag(">HHII", 256, count=0)),
        (
            "BigTIFF of equal tags",
            b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 8,
            tiff_tag("<HHQQ", 254),
        ),
        ("AVIF of brands", struct.pack(">I", size_bytes) + b"ftypmif1\0\0\0\0", b"abcd"),
        ("AVIF of empty boxes", AVIF_START, box(b"free")),
        ("AVIF of empty tracks", AVIS_START + struct.pack(">I", 0) + b"moov", box(b"trak")),
        ("AVIF of an empty meta", AVIF_START + struct.pack(">I4xI", 0, 0), box(b"free")),
    ):
        yield name, fill(start, piece, size_bytes)
    for name, meta in hostile_metas(size_bytes):
        yield f"AVIF of {name}", AVIF_START + full_box(b"meta", meta)
    yield "AVIF of nested boxes", AVIF_START + nested_boxes(size_bytes)


def tiff_tag(fields: str, number: int, count: int = 1) -> bytes:
    """Return one entry of a directory."""
    return struct.pack(fields, number, 4, count, 1)


def fill(start: bytes, piece: bytes, size_bytes: int) -> bytes:
    """Return ``start`` and as many pieces as fit."""
    return start + piece * ((size_bytes - len(start)) // len(piece))


AVIF_START = box(b"ftyp", b"avif\0\0\0\0avifmif1")
AVIS_START = box(b"ftyp", b"avis\0\0\0\0avisavif")


def hostile_metas(size_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield contents of a MetaBox, each with a list of very many entries."""
    pitm = full_box(b"pitm", b"\0\1")
    ipco = box(b"ipco", full_box(b"ispe", struct.pack(">II", 8, 8)))
    ipma = full_box(b"ipma", struct.pack(">IHBB", 1, 1, 1, 1))
    sized = pitm + box(b"iprp", ipco + ipma)
    grid = full_box(b"iinf", b"\0\1" + full_box(b"infe", b"\0\1\0\0grid\0", version=2))

    def many(piece: bytes) -> bytes:
        return fill(b"", piece, size_bytes)

    yield "properties", pitm + box(b"iprp", box(b"ipco", many(box(b"free"))) + ipma)
    associations = full_box(b"ipma", b"\xff" * 4 + many(b"\0\2\0"))
    yield "associations", pitm + box(b"iprp", ipco + associations)
    lists = many(full_box(b"ipma", bytes(4)))
    yield "lists of associations", pitm + box(b"iprp", ipco + lists)
    infos = many(full_box(b"infe", b"\0\2\0\0av01\0", version=2))
    yield "items", sized + full_box(b"iinf", b"\0\1" + infos)
    locations = b"\0\0" + b"\xff" * 4 + many(b"\0\0\0\2\0\0\0\0")
    yield "locations", sized + grid + full_box(b"iloc", locations, version=2)
    pieces = b"\0\0\xff\xff" + many(b"\0\2\0\0\xff\xff")
    yield "pieces", sized + grid + full_box(b"iloc", pieces)


def nested_boxes(size_bytes: int) -> bytes:
    """Return boxes in each other as deeply as the size allows."""
    depth = min(size_bytes // 8, 2 * MAX_STEPS)
    return b"".join(struct.pack(">I4s", 8 * (depth - level), b"meta") for level in range(depth))
