"""AVIF samples come out at full depth, cropped, with their colour space; damaged EXIF refuses nothing."""

import struct
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.messages import Options
from tests.contract.image_headers.heif_files import HeifItem, box, heif_file, make_grid, make_tile
from tests.photos import file_of, photo, psnr
from worker.image.avif_limits import check_avif
from worker.image.decode import decode
from worker.image.formats.avif import read
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.samples import Cicp, Samples
from worker.image.segment_names import EXIF_NAME

PIXELS = photo(64, 48)
TILE = make_tile(64, 48)
FRAMES = [Image.fromarray(photo(64, 48, seed)) for seed in (0, 1)]


def samples_of(data: bytes) -> Samples:
    """Return the samples of a file."""
    pixels = read(data).pixels
    assert isinstance(pixels, Samples)
    return pixels


def with_property(item: HeifItem, extra: bytes) -> bytes:
    """Return a file of an item that has one property more."""
    return heif_file([replace(item, properties=[*item.properties, extra])])


def with_exif(content: bytes) -> bytes:
    """Return a file with EXIF that nothing refers to or checks."""
    return heif_file([TILE, HeifItem(b"Exif", content, None)])


def test_too_long_exif_is_left_out_and_refuses_nothing() -> None:
    exif = EXIF_NAME + b"II*\0\x08\0\0\0" + bytes(LONGEST_EXIF_BYTES)
    for frames in ([], FRAMES[1:]):
        options = {"save_all": True, "append_images": frames} if frames else {}
        data = file_of(FRAMES[0], "AVIF", speed=10, exif=exif, **options)
        check_avif(data, 64 * 48)
        assert read(data).metadata.exif is None


def test_a_grid_with_a_picture_twice_is_named() -> None:
    grid, first, second = make_grid(1, 2, (128, 64), make_tile(64, 64))
    assert samples_of(heif_file([grid, first, second])).values.shape == (64, 128, 3)
    with pytest.raises(UnsupportedImageError, match="twice"):
        read(heif_file([replace(grid, parts=(2, 2)), first]))


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_samples_have_their_depth(bits: int) -> None:
    full = (1 << bits) - 1
    ramp = np.tile(np.linspace(0, full, 256).astype(np.uint16), (64, 1))
    given = np.stack([ramp] * 3, axis=-1)
    found = samples_of(imagecodecs.avif_encode(given, level=100, bitspersample=bits))
    assert (found.values.dtype, found.values.shape, found.model) == (np.uint16, (64, 256, 3), "rgb")
    assert (found.values.min(), found.values.max()) == (0, 65_535)
    assert np.abs(found.values / 65_535 - given / full).max() < 0.01
    assert len(np.unique(found.values)) > 240


def test_eight_bits_are_pillow_s() -> None:
    data = file_of(PIXELS, "AVIF", speed=10)
    found = samples_of(data)
    assert found.values.dtype == np.uint8
    assert psnr(found.values, PIXELS) > 25
    assert found.alpha == "none"


@pytest.mark.parametrize(
    ("mode", "model", "alpha"), [("RGBA", "rgb", "straight"), ("L", "grey", "none")]
)
def test_alpha_and_grey(mode: str, model: str, alpha: str) -> None:
    picture = Image.fromarray(PIXELS).convert(mode)
    if mode == "RGBA":
        picture.putalpha(100)
    found = samples_of(file_of(picture, "AVIF", speed=10))
    assert (found.model, found.alpha) == (model, alpha)


@pytest.mark.parametrize(
    ("nclx", "expected"), [((9, 16), Cicp(9, 16)), ((2, 2), None), ((12, 2), Cicp(12, 13))]
)
def test_code_points_are_read(nclx: tuple[int, int], expected: Cicp | None) -> None:
    colr = box(b"colr", b"nclx" + struct.pack(">HHHB", *nclx, 6, 0x80))
    assert samples_of(with_property(TILE, colr)).cicp == expected


def test_a_profile_comes_before_code_points() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = samples_of(file_of(PIXELS, "AVIF", speed=10, icc_profile=profile))
    assert (found.profile, found.cicp) == (profile, None)


@pytest.mark.parametrize(
    ("aperture", "size_px"),
    [
        ((40, 1, 30, 1, -4, 1, -5, 1), (40, 30)),
        ((41, 1, 31, 1, -1, 2, 1, 2), (41, 31)),
        # Of no whole pixels, beyond the picture, without a unit: the whole picture.
        ((41, 1, 31, 1, 0, 1, 0, 1), (64, 48)),
        ((40, 1, 30, 1, 40, 1, 0, 1), (64, 48)),
        ((40, 0, 30, 1, 0, 1, 0, 1), (64, 48)),
    ],
)
def test_the_clean_aperture_is_cut_out(aperture: tuple[int, ...], size_px: tuple[int, int]) -> None:
    found = samples_of(with_property(TILE, box(b"clap", struct.pack(">8i", *aperture))))
    assert found.values.shape == (size_px[1], size_px[0], 3)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\xff" * 40, b"\0\0\0\0garbage", b"\0\0\0\x06Exif\0\0II*\0\xff\xff\xff\xff"],
)
def test_damaged_exif_refuses_nothing(content: bytes) -> None:
    found = decode(with_exif(content), 10_000, Options(metadata="all"))
    assert found.image.size == (64, 48)


@pytest.mark.parametrize("start", [b"\xff\xff\xff\xff", b"", b"II*\0\xff\xff\xff\xff"])
def test_damaged_exif_of_the_picture_refuses_nothing(start: bytes) -> None:
    exif = Image.Exif()
    exif[0x8298] = "Someone"
    data = file_of(PIXELS, "AVIF", speed=10, exif=exif)
    at = data.index(b"MM\0*") if b"MM\0*" in data else data.index(b"II*\0")
    damaged = data[:at] + (start or bytes(8)) + data[at + len(start or bytes(8)) :]
    assert decode(damaged, 10_000, Options(metadata="all")).image.size == (64, 48)


def test_exif_is_read() -> None:
    tiff = b"MM\0*\0\0\0\x08" + bytes(6)
    assert read(with_exif(b"\0\0\0\0" + tiff)).metadata.exif == tiff


def test_only_the_file_s_own_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    # Pillow writes `irot` for it.
    assert read(file_of(PIXELS, "AVIF", speed=10, exif=exif)).orientation == 6
    assert read(with_exif(b"\0\0\0\0" + exif.tobytes().removeprefix(b"Exif\0\0"))).orientation == 1


def test_xmp_turns_no_picture() -> None:
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="3"/>'
    found = read(file_of(PIXELS, "AVIF", speed=10, xmp=xmp))
    assert (found.orientation, found.metadata.xmp) == (1, xmp)


@pytest.mark.parametrize("has_item", [True, False])
def test_the_first_frame_of_a_sequence_is_read(*, has_item: bool) -> None:
    data = file_of(FRAMES[0], "AVIF", speed=10, save_all=True, append_images=FRAMES[1:])
    assert data[8:12] == b"avis"
    if not has_item:
        # A file of the brand "avif" needs one.
        at = data.index(b"meta")
        data = data[:at].replace(b"avif", b"msf1") + b"free" + data[at + 4 :]
    found = decode(data, 10_000, Options()).image
    assert psnr(np.asarray(found), PIXELS) > 25


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_damaged(at: float) -> None:
    data = file_of(PIXELS, "AVIF", speed=10)
    with pytest.raises(CorruptImageError):
        read(data[: int(at * len(data))])
