"""What a library takes for damage, and others read, is changed in place; damaged boxes stay as they are."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from contract.errors import UnsupportedImageError
from tests.contract.image_headers.heif_files import HeifItem, box, full_box, heif_file, make_tile
from tests.heic_files import code, turn
from tests.photos import file_of, photo, psnr
from tests.worker.image.formats.test_heic import heic as heic_file
from tests.worker.image.formats.test_heic import refer
from worker.image.formats import avif, heic
from worker.image.formats.heif_repairs import repair_avif, repair_heic
from worker.image.samples import Samples

PIXELS = photo(64, 48)
TILE = make_tile(64, 48)
STILL = heif_file([TILE, HeifItem(b"Exif", b"", None)])
FRAMES = [Image.fromarray(photo(64, 48, seed)) for seed in (0, 1)]
ANIMATION = file_of(FRAMES[0], "AVIF", speed=10, save_all=True, append_images=FRAMES[1:])


def samples_of(data: bytes) -> Samples:
    """Return the samples of an AVIF."""
    pixels = avif.read(data).pixels
    assert isinstance(pixels, Samples)
    return pixels


def insert(data: bytes, after: bytes, extra: bytes, inside: tuple[bytes, ...]) -> bytes:
    """Insert a box behind another one, and make the boxes around it longer."""
    moved = bytearray(data)
    at = data.index(after) - 4
    end = at + int.from_bytes(data[at : at + 4], "big")
    for kind in inside:
        start = data.index(kind) - 4
        (size,) = struct.unpack_from(">I", data, start)
        struct.pack_into(">I", moved, start, size + len(extra))
    position = data.index(b"iloc") + 4 + 4 + 2
    (count,) = struct.unpack_from(">H", data, position)
    for item in range(count):
        base_at = position + 2 + item * 20 + 6
        struct.pack_into(
            ">I", moved, base_at, struct.unpack_from(">I", data, base_at)[0] + len(extra)
        )
    return bytes(moved[:end] + extra + moved[end:])


@pytest.mark.parametrize(
    ("after", "extra", "inside"),
    [
        # A second box of associations, for another item.
        (b"ipma", full_box(b"ipma", struct.pack(">IHBB", 1, 3, 1, 1)), (b"meta", b"iprp")),
        # A group of a kind of its own.
        (b"iprp", box(b"grpl", full_box(b"pymd", b"\0" * 5)), (b"meta",)),
    ],
)
def test_avif_with_odd_boxes_is_read(after: bytes, extra: bytes, inside: tuple[bytes, ...]) -> None:
    expected = samples_of(STILL).values
    data = insert(STILL, after, extra, inside)
    assert np.array_equal(samples_of(data).values, expected)
    assert len(repair_avif(data)) == len(data)


def test_transformations_need_not_be_essential() -> None:
    data = heif_file([replace(TILE, properties=[*TILE.properties, turn(1)])])
    at = data.index(b"ipma")
    loose = data[:at] + data[at:].replace(b"\x84", b"\x04", 1)
    assert loose != data
    assert repair_avif(loose) == data
    assert avif.read(loose).orientation == 8


def test_a_broken_gain_map_refuses_nothing() -> None:
    data = heif_file([TILE, HeifItem(b"tmap", b"\0\0\0\0\0\0", None)]).replace(b"miaf", b"tmap", 1)
    assert b"tmap" not in repair_avif(data)[:32]
    assert samples_of(data).values.shape == (48, 64, 3)


def test_references_of_no_item_refuse_no_animation() -> None:
    at = ANIMATION.index(b"meta") - 4
    assert b"iref" not in ANIMATION
    iref = full_box(b"iref", refer(b"auxl", 2, 0))
    size = int.from_bytes(ANIMATION[at : at + 4], "big")
    data = bytearray(ANIMATION[: at + size] + iref + ANIMATION[at + size :])
    struct.pack_into(">I", data, at, size + len(iref))
    assert repair_avif(bytes(data)).count(b"iref") == 0


def test_a_picture_without_size_for_its_alpha_is_read() -> None:
    turned = replace(TILE, properties=[*TILE.properties, turn(3)])
    alpha = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    without_size = replace(TILE, size_px=None, properties=[*TILE.properties, alpha])
    data = heif_file([turned, without_size])
    iref = full_box(b"iref", refer(b"auxl", 2, 1))
    whole = insert(data, b"iprp", iref, (b"meta",))
    found = avif.read(whole)
    assert isinstance(found.pixels, Samples)
    assert (found.pixels.values.shape, found.pixels.alpha) == ((48, 64, 4), "straight")
    assert found.orientation == 6


def test_a_primary_picture_that_is_a_thumbnail_is_read() -> None:
    data = heic_file(code(PIXELS), code(photo(64, 48, 7)), references=refer(b"thmb", 1, 2))
    found = heic.read(data).pixels
    assert isinstance(found, Samples)
    assert psnr(found.values, PIXELS) > 36
    other = heic_file(code(PIXELS), code(photo(64, 48, 7)), references=refer(b"thmb", 2, 1))
    assert repair_heic(other) is other


def test_a_picture_used_twice_is_named() -> None:
    tile = code(PIXELS)
    content = struct.pack(">BBBBHH", 0, 0, 0, 1, 128, 48)
    grid = HeifItem(b"grid", content, (128, 48), [tile.properties[2]], parts=[2, 2])
    with pytest.raises(UnsupportedImageError, match="twice"):
        heic.read(heif_file([grid, tile], b"heic"))


@pytest.mark.parametrize("brand", [b"miaf", b"mif2"])
def test_an_identity_of_an_identity_is_named(brand: bytes) -> None:
    crops = [box(b"clap", struct.pack(">8i", n, 1, n, 1, 0, 1, 0, 1)) for n in (16, 32)]
    second = HeifItem(b"iden", b"", (64, 48), [crops[0], turn(1)], parts=[2])
    first = HeifItem(b"iden", b"", (64, 48), [crops[1], turn(1)], parts=[3])
    data = heif_file([second, first, code(PIXELS)], b"heic")
    with pytest.raises(UnsupportedImageError, match="identity of a derived"):
        heic.read(data.replace(b"miaf", brand))


def test_damaged_boxes_stay_as_they_are() -> None:
    for length in range(16, len(STILL), 7):
        assert len(repair_avif(STILL[:length])) == length
        assert len(repair_heic(STILL[:length])) == length
