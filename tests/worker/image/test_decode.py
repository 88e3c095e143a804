"""Every kind of upload becomes upright sRGB pixels on white, or a typed error."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.images import IMAGE_FORMATS
from contract.messages import Options
from tests.photos import file_of, photo, psnr
from worker.image.decode import decode

LIMIT = 1_000_000
LOSSLESS = {"PNG", "BMP", "TIFF"}


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_every_accepted_format_shows_its_photo(name: str) -> None:
    pixels = photo(61, 47)
    shown = decode(file_of(pixels, name), LIMIT, Options()).image
    assert shown.mode == "RGB"
    assert shown.size == (61, 47)
    assert psnr(np.asarray(shown), pixels) > (99 if name in LOSSLESS else 20)


# EXIF 2.32, tag 0x0112: how the stored picture comes from the upright one.
STORED_AS = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_the_pixels(orientation: int, name: str) -> None:
    upright = photo(40, 24)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED_AS[orientation](upright))
    options = {"lossless": True} if name == "WEBP" else {"quality": 95} if name == "JPEG" else {}
    shown = decode(file_of(stored, name, exif=exif, **options), LIMIT, Options()).image
    assert shown.size == (40, 24)
    assert psnr(np.asarray(shown), upright) > 28


def test_alpha_is_flattened_on_white() -> None:
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[..., 0] = 200
    picture[:2, :, 3] = 255
    picture[2, :, 3] = 128
    shown = np.asarray(decode(file_of(picture), LIMIT, Options()).image)
    assert shown[0, 0].tolist() == [200, 0, 0]
    assert np.allclose(shown[2, 0], [227, 127, 127], atol=1)
    assert shown[3, 0].tolist() == [255, 255, 255]


def test_a_transparent_palette_colour_becomes_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putdata([0, 1])
    for name in ("PNG", "GIF"):
        shown = decode(file_of(picture, name, transparency=1), LIMIT, Options()).image
        assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 30), (255, 255, 255)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "I", "F"])
def test_greyscale_of_any_depth_stays_greyscale(mode: str) -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (8, 1))
    if mode == "I;16":
        data = file_of(Image.fromarray(ramp.astype(np.uint16) * 257))
    elif mode in {"I", "F"}:
        scale = 257 if mode == "I" else 1
        data = file_of(Image.fromarray(ramp).convert(mode).point(lambda v: v * scale), "TIFF")
    else:
        data = file_of(Image.fromarray(ramp).convert(mode))
    shown = decode(data, LIMIT, Options()).image
    assert shown.mode == "L"
    if mode != "1":
        assert np.abs(np.asarray(shown).astype(int) - ramp).max() <= 1


def test_a_transparent_level_of_a_deep_greyscale_becomes_white() -> None:
    ramp = (np.arange(5, dtype=np.uint16) * 16_000)[None]
    shown = decode(file_of(Image.fromarray(ramp), transparency=16_000), LIMIT, Options()).image
    assert shown.mode == "L"
    assert np.abs(np.asarray(shown)[0].astype(int) - [0, 255, 125, 187, 249]).max() <= 1


def test_a_palettes_colours_go_through_the_profile() -> None:
    picture = Image.new("P", (8, 8))
    picture.putpalette([100, 100, 100])
    shown = decode(file_of(picture, icc_profile=linear_profile()), LIMIT, Options()).image
    assert np.abs(np.asarray(shown).astype(int) - 168).max() <= 1


def tile_bomb(side_px: int, *, width_type: int = 4) -> bytes:
    """Return a TIFF of 8×8 pixels in one tile of ``side_px`` × ``side_px``."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side_px)) for _ in range(side_px)) + packer.flush()
    fields = [
        (256, 8),
        (257, 8),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, side_px),
        (323, side_px),
    ]
    offset = 8 + 2 + 12 * (len(fields) + 2) + 4
    fields += [(324, offset), (325, len(data))]
    types = {322: width_type}
    entries = b"".join(
        struct.pack("<HHII", tag, types.get(tag, 4), 1, value) for tag, value in fields
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(fields))
    return head + entries + struct.pack("<I", 0) + data


def test_tiles_far_larger_than_the_image_are_refused() -> None:
    with pytest.raises(CorruptImageError, match="tiles"):
        decode(tile_bomb(4096), LIMIT, Options())
    assert decode(tile_bomb(256), LIMIT, Options()).image.size == (8, 8)


def test_a_tile_width_that_is_text_is_corrupt() -> None:
    with pytest.raises(CorruptImageError):
        decode(tile_bomb(65, width_type=2), LIMIT, Options())


def test_cmyk_becomes_rgb() -> None:
    shown = decode(
        file_of(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG"), LIMIT, Options()
    ).image
    assert shown.mode == "RGB"
    red, green, blue = np.asarray(shown)[4, 4]
    assert red < 60
    assert min(green, blue) > 150


def linear_profile() -> bytes:
    """Return an ICC profile (v2, matrix and curves) with sRGB's primaries and no gamma."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)  # no entries: the identity
    text = b"linear\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4360, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7139),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += name + struct.pack(">II", offset + len(body), len(tag))
        body += padded
    header = bytearray(128)
    header[0:4] = struct.pack(">I", offset + len(body))
    header[8:12] = b"\x02\x40\0\0"
    header[12:24] = b"mntrRGB XYZ "
    header[36:40] = b"acsp"
    header[68:80] = b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def test_colours_go_through_the_embedded_profile() -> None:
    # IEC 61966-2-1: linear 100/255 is 1.055 · 0.392^(1/2.4) − 0.055 = 0.659, sample 168.
    pixels = np.full((8, 8, 3), 100, np.uint8)
    shown = decode(file_of(pixels, icc_profile=linear_profile()), LIMIT, Options()).image
    assert np.abs(np.asarray(shown).astype(int) - 168).max() <= 1


def test_transparent_pixels_go_through_the_profile_as_well() -> None:
    pixels = np.full((8, 8, 4), 100, np.uint8)
    pixels[..., 3] = 255
    shown = decode(file_of(pixels, icc_profile=linear_profile()), LIMIT, Options()).image
    assert np.abs(np.asarray(shown).astype(int) - 168).max() <= 1


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = photo(16, 16)
    shown = decode(file_of(pixels, icc_profile=profile), LIMIT, Options()).image
    assert np.array_equal(np.asarray(shown), pixels)


@pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 200])
def test_a_broken_profile_is_passed_over(profile: bytes) -> None:
    pixels = photo(16, 16)
    shown = decode(file_of(pixels, icc_profile=profile), LIMIT, Options()).image
    assert np.array_equal(np.asarray(shown), pixels)


def test_only_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.fromarray(photo(24, 16, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert psnr(np.asarray(decode(data, LIMIT, Options()).image), photo(24, 16, 1)) > 45


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_a_truncated_file_is_corrupt(name: str) -> None:
    data = file_of(photo(200, 150), name)
    with pytest.raises((CorruptImageError, UnsupportedImageError)):
        decode(data[: len(data) // 2], LIMIT, Options())


def test_damaged_compressed_data_is_corrupt() -> None:
    data = bytearray(file_of(photo(200, 150)))
    data[500:700] = bytes(200)
    with pytest.raises(CorruptImageError):
        decode(bytes(data), LIMIT, Options())


def test_the_pixel_limit_holds_here_as_well() -> None:
    with pytest.raises(TooManyPixelsError):
        decode(file_of(photo(40, 30)), 1199, Options())


def test_what_is_no_image_is_unsupported() -> None:
    with pytest.raises(UnsupportedImageError):
        decode(b"hello", LIMIT, Options())


def test_errors_carry_nothing_of_the_upload() -> None:
    with pytest.raises(UnsupportedImageError) as caught:
        decode(b"secret words", LIMIT, Options())
    assert "secret" not in caught.value.detail


def orientation_of(data: bytes) -> int | None:
    return decode(data, LIMIT, Options()).orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpegs_orientation_is_told(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert orientation_of(file_of(photo(40, 24), "JPEG", exif=exif)) == orientation


def test_a_jpeg_without_a_valid_orientation_is_upright() -> None:
    assert orientation_of(file_of(photo(40, 24), "JPEG")) == 1
    assert orientation_of(file_of(photo(40, 24)[..., 0], "JPEG")) == 1
    exif = Image.Exif()
    exif[0x0112] = 9
    assert orientation_of(file_of(photo(40, 24), "JPEG", exif=exif)) == 1


def test_what_shows_other_samples_than_a_jpegs_own_has_none() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert orientation_of(file_of(photo(40, 24), "JPEG", icc_profile=srgb)) == 1
    assert orientation_of(file_of(photo(40, 24), "JPEG", icc_profile=linear_profile())) is None
    assert orientation_of(file_of(Image.new("CMYK", (8, 8)), "JPEG")) is None
    assert orientation_of(file_of(photo(40, 24))) is None


def test_the_first_picture_of_several_is_a_jpegs_own() -> None:
    frames = [Image.fromarray(photo(24, 16, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert orientation_of(data) == 1
