"""Contradictions, far too large strips and unsupported samples are refused before anything is decoded."""

import pytest

from contract.errors import CorruptImageError, UnsupportedImageError
from tests.worker.image.formats.tiff.tiff_files import (
    SHORT,
    Value,
    layout_of,
    make_tiff,
    shape_tags,
)
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.header import read_layout

RGB = shape_tags(100, 50, samples=3, photometric=2)
GREY = shape_tags(100, 50)


def test_defaults_are_those_of_the_specification() -> None:
    layout = layout_of({256: 100, 257: 50})
    assert (layout.width_px, layout.height_px, layout.bits, layout.samples) == (100, 50, 1, 1)
    assert (layout.photometric, layout.compression, layout.predictor) == (1, 1, 1)
    assert not layout.is_planar
    assert not layout.is_bit_reversed
    assert not layout.is_tiled
    assert (layout.segment_width_px, layout.segment_height_px) == (100, 50)


@pytest.mark.parametrize("rows", [0, 50, 51, 2**32 - 1])
def test_more_rows_than_the_image_has_are_one_strip(rows: int) -> None:
    assert layout_of(GREY | {278: rows}).segment_height_px == 50
    assert layout_of(GREY | {278: 49}).segment_height_px == 49


@pytest.mark.parametrize(
    ("tags", "photometric"),
    [
        ({277: 1}, 1),
        ({277: 1, 259: 4}, 0),
        ({277: 3, 258: (SHORT, [8, 8, 8])}, 2),
        ({258: (SHORT, [8, 8, 8])}, 2),
    ],
)
def test_a_missing_photometric_interpretation_is_as_in_libtiff(
    tags: dict[int, Value], photometric: int
) -> None:
    assert layout_of({256: 1, 257: 1} | tags).photometric == photometric


@pytest.mark.parametrize(
    ("samples", "kinds", "alpha"),
    [
        (3, None, ("none", 3)),
        (4, None, ("probable", 3)),
        (4, [0], ("probable", 3)),
        (4, [1], ("premultiplied", 3)),
        (4, [2], ("straight", 3)),
        (4, [999], ("probable", 3)),
        (5, None, ("none", 3)),
        (5, [0, 0], ("none", 3)),
        (5, [0, 2], ("straight", 4)),
        (5, [1, 2], ("premultiplied", 3)),
        (3, [2], ("none", 3)),
    ],
)
def test_alpha_is_the_first_extra_sample_that_is_said_to_be_one(
    samples: int, kinds: list[int] | None, alpha: tuple[str, int]
) -> None:
    tags = shape_tags(100, 50, samples=samples, photometric=2)
    layout = layout_of(tags | ({} if kinds is None else {338: (SHORT, kinds)}))
    assert (layout.alpha, layout.alpha_sample) == alpha
    assert layout.channels == [0, 1, 2, *([] if alpha[0] == "none" else [alpha[1]])]


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (GREY | {258: 33}, "33-bit unsigned"),
        (GREY | {258: 0}, "0-bit unsigned"),
        (GREY | {258: 8, 339: 3}, "8-bit float"),
        (GREY | {258: 64, 339: 5}, "complex"),
        (RGB | {339: (SHORT, [1, 2, 1])}, "different formats"),
        (RGB | {258: (SHORT, [5, 6, 5])}, "different depths"),
        (RGB | {277: 65}, "65 samples"),
        (RGB | {277: 0}, "0 samples"),
        (RGB | {262: 5}, "3 inks"),
        (RGB | {262: 32803}, "Colour filter array"),
        (RGB | {262: 32844}, "Uncompressed LogL"),
        (RGB | {262: 77}, "Photometric interpretation 77"),
        (RGB | {254: 1, 330: 8}, "Camera raw"),
        (shape_tags(9, 9, bits=32, samples=3, photometric=6), "YCbCr of 32-bit"),
        (shape_tags(9, 9, bits=4, samples=3, photometric=6), "YCbCr of 4 bits"),
        (shape_tags(9, 9, bits=12, samples=3, photometric=8), "Lab of 12 bits"),
        (shape_tags(9, 9, bits=32, samples=1, photometric=3), "Palette of 32-bit"),
        (shape_tags(9, 9, bits=32, samples=4, photometric=5) | {339: (SHORT, [3] * 4)}, "CMYK"),
        (shape_tags(9, 9, samples=4, photometric=6), "extra samples"),
        (GREY | {259: 4}, "CCITT"),
        (shape_tags(9, 9, bits=1, samples=3, photometric=2) | {259: 4}, "CCITT"),
    ],
)
def test_what_is_not_supported_is_named(tags: dict[int, Value], name: str) -> None:
    with pytest.raises(UnsupportedImageError, match=name):
        layout_of(tags)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (GREY | {262: 2}, "too few samples"),
        (RGB | {262: 6, 530: (SHORT, [3, 1])}, "subsampling"),
        (RGB | {262: 6, 530: (SHORT, [0, 1])}, "subsampling"),
        (GREY | {322: 0, 323: 16}, "no size"),
        (GREY | {322: 16}, "no size"),
        (GREY | {322: b"text", 323: 16}, "not an integer"),
    ],
)
def test_contradictions_are_damage(tags: dict[int, Value], reason: str) -> None:
    with pytest.raises(CorruptImageError, match=reason):
        layout_of(tags)


def test_the_size_of_a_tile_is_limited() -> None:
    layout_of(GREY | {322: 4096, 323: 2048})
    with pytest.raises(CorruptImageError, match="larger than the image"):
        layout_of(GREY | {322: 4096, 323: 2064})
    # A larger image may have larger tiles.
    layout_of(shape_tags(1000, 1000) | {322: 4096, 323: 4096})
    with pytest.raises(CorruptImageError, match="larger than the image"):
        layout_of(shape_tags(1000, 1000, samples=3, photometric=2) | {322: 4096, 323: 4096})


def test_the_bytes_of_a_pixel_are_limited() -> None:
    layout_of(shape_tags(1000, 1000, bits=16, samples=12, photometric=2))
    with pytest.raises(UnsupportedImageError, match="24 bytes per pixel"):
        layout_of(shape_tags(1000, 1000, bits=16, samples=13, photometric=2))
    # In strips of their own, a few rows of many samples do no harm.
    layout_of(shape_tags(1000, 1000, bits=16, samples=13, photometric=2) | {278: 10})


def test_a_preview_of_its_own_is_no_camera_raw() -> None:
    assert layout_of(RGB | {254: 1}).samples == 3
    assert layout_of(RGB | {330: 8}).samples == 3


def test_camera_raw_of_canon_is_named() -> None:
    # As in a CR2 file: the first directory at 16, behind a mark and the place of the raw one.
    directory = make_tiff([], GREY)[8:-4]
    data = b"II*\0\x10\0\0\0CR\2\0\x99\0\0\0" + directory + bytes(4)
    with pytest.raises(UnsupportedImageError, match="Camera raw"):
        read_layout(Directory(data))
    assert read_layout(Directory(data.replace(b"CR\2", b"CS\2"))).samples == 1


def test_tiles_of_a_fax_are_limited_by_what_libtiff_takes() -> None:
    fax = shape_tags(9, 9, bits=1, photometric=0) | {259: 4}
    layout_of(fax | {322: 2048, 323: 1024})
    with pytest.raises(CorruptImageError, match="larger than the image"):
        layout_of(fax | {322: 2048, 323: 1040})


def test_jpegs_of_ycbcr_become_rgb() -> None:
    layout = layout_of(RGB | {262: 6, 259: 7, 530: (SHORT, [3, 7])})
    assert layout.jpeg_is_ycbcr
    assert (layout.photometric, layout.subsampling) == (2, (1, 1))
    layout = layout_of(RGB | {262: 6})
    assert not layout.jpeg_is_ycbcr
    assert (layout.photometric, layout.subsampling) == (6, (2, 2))


def test_a_predictor_without_its_compressions_is_ignored() -> None:
    assert layout_of(GREY | {317: 2}).predictor == 1
    assert layout_of(GREY | {317: 2, 259: 5}).predictor == 2
    assert read_layout(Directory(make_tiff([b""], GREY | {266: 2}))).is_bit_reversed
