"""HEIC samples come out upright, at full depth, with their colour space, alpha and metadata."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from contract.errors import CorruptImageError, UnsupportedImageError
from tests.contract.image_headers.heif_files import HeifItem, box, full_box, heif_file
from tests.heic_files import ALPHA_TYPE, code, heic_of, mirror, turn
from tests.photos import photo, psnr
from worker.image.formats.heic import read
from worker.image.formats.heif_metadata import LONGEST_EXIF_BYTES
from worker.image.samples import Cicp, Samples

PIXELS = photo(64, 48)
SRGB = Cicp(1, 13)
# Of the coder's losses; another rotation or crop has less than 25 dB.
LIKE_DB = 36
TIFF = b"MM\0*\0\0\0\x08" + bytes(6)


def samples_of(data: bytes) -> Samples:
    """Return the samples of a file."""
    pixels = read(data).pixels
    assert isinstance(pixels, Samples)
    return pixels


def heic(*items: HeifItem, references: bytes = b"") -> bytes:
    """Return a file of items, with further references (ISO/IEC 14496-12, 8.11.12)."""
    data = heif_file(items, b"heic")
    if not references:
        return data
    # As the last box of the file's metadata, whose offsets then change.
    meta = data.index(b"meta") - 4
    end = meta + int.from_bytes(data[meta : meta + 4], "big")
    iref = full_box(b"iref", references)
    moved = move_offsets(data[meta:end], len(iref))
    return data[:meta] + struct.pack(">I", len(moved) + len(iref)) + moved[4:] + iref + data[end:]


def move_offsets(meta: bytes, by: int) -> bytes:
    """Return a MetaBox whose items' bases are ``by`` larger, as `make_meta` writes them."""
    at = meta.index(b"iloc") + 4 + 4 + 2
    (count,) = struct.unpack_from(">H", meta, at)
    at += 2
    moved = bytearray(meta)
    for _ in range(count):
        base, extents = struct.unpack_from(">IH", meta, at + 6)
        struct.pack_into(">I", moved, at + 6, base + by)
        at += 12 + 8 * extents
    return bytes(moved)


def refer(kind: bytes, source: int, target: int) -> bytes:
    """Return a reference of one item to another."""
    return box(kind, struct.pack(">HHH", source, 1, target))


def with_alpha(alpha: NDArray[np.uint8], *, premultiplied: bool = False) -> bytes:
    """Return a photo with alpha."""
    item = code(alpha, [full_box(b"auxC", ALPHA_TYPE)])
    references = refer(b"auxl", 2, 1) + (refer(b"prem", 1, 2) if premultiplied else b"")
    return heic(code(PIXELS), item, references=references)


@pytest.mark.parametrize("chroma", ["420", "422", "444"])
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_colours_have_their_depth(depth: int, chroma: str) -> None:
    given = PIXELS if depth == 8 else PIXELS.astype(np.uint16) * 257
    found = samples_of(heic_of(given, depth=depth, chroma=chroma))
    assert found.values.dtype == given.dtype
    assert (found.model, found.alpha, found.cicp, found.profile) == ("rgb", "none", SRGB, None)
    as_8_bits = found.values if depth == 8 else found.values / 257
    assert psnr(as_8_bits, PIXELS) > (LIKE_DB if chroma == "444" else 27)


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_full_intensity_is_full_at_every_depth(depth: int) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
    found = samples_of(heic_of(ramp if depth > 8 else (ramp >> 8).astype(np.uint8), depth=depth))
    full = 255 if depth == 8 else 65535
    assert found.model == "grey"
    assert found.values.shape == (48, 64, 1)
    assert found.values.min() < full / 500
    assert found.values.max() > full - full / 500
    assert len(np.unique(found.values)) > 50
    white = np.full((48, 64), full, np.uint16 if depth > 8 else np.uint8)
    assert samples_of(heic_of(white, depth=depth)).values.max() == full


@pytest.mark.parametrize("size_px", [(33, 21), (64, 48), (97, 61)])
def test_odd_sizes(size_px: tuple[int, int]) -> None:
    assert samples_of(heic_of(photo(*size_px))).values.shape == (size_px[1], size_px[0], 3)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ([turn(0)], PIXELS),
        ([turn(1)], np.rot90(PIXELS, 1)),
        ([turn(2)], np.rot90(PIXELS, 2)),
        ([turn(3)], np.rot90(PIXELS, 3)),
        ([mirror(0)], PIXELS[::-1]),
        ([mirror(1)], PIXELS[:, ::-1]),
        ([turn(1), mirror(1)], np.rot90(PIXELS, 1)[:, ::-1]),
        ([mirror(1), turn(1)], np.rot90(PIXELS[:, ::-1], 1)),
        # From (8, 4), 40 × 30.
        (
            [box(b"clap", struct.pack(">8i", 40, 1, 30, 1, -4, 1, -5, 1))],
            PIXELS[4:34, 8:48],
        ),
    ],
)
def test_transformations_are_applied(properties: list[bytes], expected: NDArray[np.uint8]) -> None:
    found = read(heic(code(PIXELS, properties)))
    assert isinstance(found.pixels, Samples)
    assert found.orientation == 1
    assert found.pixels.values.shape == expected.shape
    assert psnr(found.pixels.values, expected) > LIKE_DB


def test_tiles_are_put_together() -> None:
    wide = photo(190, 90)
    padded = np.pad(wide, ((0, 6), (0, 2), (0, 0)), "edge")
    tiles = [
        code(np.ascontiguousarray(padded[y : y + 48, x : x + 64]))
        for y in (0, 48)
        for x in (0, 64, 128)
    ]
    grid = HeifItem(
        b"grid",
        struct.pack(">BBBBHH", 0, 0, 1, 2, 190, 90),
        (190, 90),
        [tiles[0].properties[2]],
        parts=range(2, 8),
    )
    found = samples_of(heif_file([grid, *tiles], b"heic"))
    assert psnr(found.values, wide) > LIKE_DB


def test_the_primary_picture_of_several_is_read() -> None:
    other = code(photo(64, 48, 7))
    found = samples_of(heic(code(PIXELS), other, code(photo(64, 48, 8))))
    assert psnr(found.values, PIXELS) > LIKE_DB
    data = heic(code(PIXELS), other)
    at = data.index(b"pitm") + 8
    second = data[:at] + b"\0\2" + data[at + 2 :]
    assert psnr(samples_of(second).values, photo(64, 48, 7)) > LIKE_DB


def test_alpha_is_read() -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    found = samples_of(with_alpha(ramp))
    assert (found.model, found.alpha, found.values.shape) == ("rgb", "straight", (48, 64, 4))
    assert np.abs(found.values[..., 3].astype(int) - ramp).max() <= 2
    found = samples_of(with_alpha(ramp, premultiplied=True))
    assert found.alpha == "premultiplied"


@pytest.mark.parametrize(
    ("nclx", "expected"),
    [
        ((12, 13, 6, 1), Cicp(12, 13)),
        ((9, 16, 6, 1), Cicp(9, 16)),
        ((9, 18, 9, 1), Cicp(9, 18)),
        ((2, 2, 6, 1), None),
        ((2, 8, 6, 1), Cicp(1, 8)),
        ((12, 2, 6, 1), Cicp(12, 13)),
    ],
)
@pytest.mark.parametrize("depth", [8, 10])
def test_code_points_are_kept(
    nclx: tuple[int, int, int, int], expected: Cicp | None, depth: int
) -> None:
    found = samples_of(heic(code(PIXELS, depth=depth, nclx=nclx)))
    assert (found.cicp, found.values.itemsize) == (expected, 1 if depth == 8 else 2)


def test_a_profile_comes_before_code_points() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    item = code(PIXELS, [box(b"colr", b"prof" + profile)])
    found = samples_of(heic(item))
    assert (found.profile, found.cicp) == (profile, None)


def test_metadata_is_kept_byte_for_byte() -> None:
    exif = HeifItem(b"Exif", b"\0\0\0\6Exif\0\0" + TIFF, None)
    xmp = HeifItem(b"mime", b"<x:xmpmeta/>", None)
    data = heic(code(PIXELS), exif, xmp, references=refer(b"cdsc", 2, 1) + refer(b"cdsc", 3, 1))
    found = read(data).metadata
    assert (found.exif, found.xmp) == (TIFF, b"<x:xmpmeta/>")


@pytest.mark.parametrize(
    "exif",
    [b"", b"\0", b"\0\0\0\0", b"\xff" * 40, b"\0\0\0\0" + b"II*\0" + bytes(LONGEST_EXIF_BYTES)],
)
def test_damaged_exif_is_left_out(exif: bytes) -> None:
    data = heic(code(PIXELS), HeifItem(b"Exif", exif, None), references=refer(b"cdsc", 2, 1))
    found = read(data)
    assert found.metadata.exif is None
    assert isinstance(found.pixels, Samples)


def test_an_orientation_in_exif_is_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = b"\0\0\0\6" + exif.tobytes()
    data = heic(code(PIXELS), HeifItem(b"Exif", content, None), references=refer(b"cdsc", 2, 1))
    found = read(data)
    assert found.orientation == 1
    assert isinstance(found.pixels, Samples)
    assert found.pixels.values.shape == PIXELS.shape


@pytest.mark.parametrize("depth", [8, 10])
def test_a_phone_s_photo_is_turned_once_and_without_its_maps(depth: int) -> None:
    wide = photo(128, 96)
    tiles = [code(wide[y : y + 48, x : x + 64], depth=depth) for y in (0, 48) for x in (0, 64)]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    properties = [tiles[0].properties[1], box(b"colr", b"prof" + profile), turn(3)]
    content = struct.pack(">BBBBHH", 0, 0, 1, 1, 128, 96)
    grid = HeifItem(b"grid", content, (128, 96), properties, parts=range(2, 6))
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = np.full((48, 64), 99, np.uint8)
    maps = [
        code(grey, [full_box(b"auxC", name + b"\0")])
        for name in (
            b"urn:com:apple:photo:2020:aux:hdrgainmap",
            b"urn:mpeg:hevc:2015:auxid:2",
        )
    ]
    items = [*tiles, *maps, HeifItem(b"Exif", b"\0\0\0\6" + exif.tobytes(), None)]
    references = b"".join(refer(b"auxl", item, 1) for item in (6, 7)) + refer(b"cdsc", 8, 1)
    plain = heif_file([grid, *items], b"heic")
    start = plain.index(b"iref") - 4
    size = int.from_bytes(plain[start : start + 4], "big")
    meta = plain.index(b"meta") - 4
    end = meta + int.from_bytes(plain[meta : meta + 4], "big")
    moved = move_offsets(plain[meta:end], len(references))
    cut = start + size - meta
    longer = struct.pack(">I", size + len(references))
    moved = (
        moved[: start - meta] + longer + moved[start - meta + 4 : cut] + references + moved[cut:]
    )
    data = plain[:meta] + struct.pack(">I", len(moved)) + moved[4:] + plain[end:]
    found = read(data)
    assert isinstance(found.pixels, Samples)
    expected = np.rot90(wide, 3)
    assert (found.orientation, found.pixels.values.shape) == (1, expected.shape)
    assert (found.pixels.alpha, found.pixels.profile) == ("none", profile)
    assert found.metadata.exif is not None
    full = 1 if depth == 8 else 257
    assert psnr(found.pixels.values / full, expected) > LIKE_DB


def test_every_truncated_file_is_damaged() -> None:
    data = heic_of(PIXELS)
    start = data.index(b"mdat")
    for length in [*range(40, start, 23), *range(start, len(data), 301), len(data) - 1]:
        with pytest.raises((CorruptImageError, UnsupportedImageError)):
            read(data[:length])


def test_a_bitstream_of_another_size_is_damaged() -> None:
    item = code(PIXELS)
    with pytest.raises(CorruptImageError):
        read(heic(replace(item, size_px=(640, 480))))


def test_other_codecs_are_not_supported() -> None:
    item = code(PIXELS)
    with pytest.raises(UnsupportedImageError):
        read(heic(replace(item, kind=b"avc1")))
