"""JPEGs of every kind that libjpeg-turbo decodes are shown as djpeg shows them."""

import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.errors import CorruptImageError
from contract.image_headers.jpeg import MAX_GAP_BYTES
from contract.image_headers.read import read_header
from contract.messages import Options
from tests.codec.edited_jpegs import separate_scans
from tests.photos import file_of, photo
from tests.worker.image.formats.jpeg.files import (
    JPEG,
    adobe,
    encode,
    find,
    insert,
    make,
    name_components,
    segment,
    show,
    show_with_djpeg,
)
from worker.image.formats.jpeg.reader import read
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.samples import Samples

ROOT = Path(__file__).parents[5]
REPORTS = Path(os.environ.get("FOVEATE_DATA") or ROOT.parent / "shared" / "data") / "reports"
JFIF = JPEG[2:20]
TURNED = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHIII", 0x112, 3, 1, 6, 0))
RGB = make(keep_rgb=True)
SAMPLINGS = ["4x1", "1x2", "2x1", "4x2", "1x4", "3x1", "1x3", "2x4", "1x1,2x1,1x1", "1x1,2x2,2x2"]


def read_picture(data: bytes, options: Options | None = None) -> Image.Image:
    """Return the picture that the reader makes of a JPEG in RGB or grey."""
    pixels = read(data, options or Options()).pixels
    assert isinstance(pixels, Image.Image)
    return pixels


@pytest.mark.parametrize(
    "make_jpeg",
    [
        *(lambda s=s: encode("-sample", s) for s in SAMPLINGS),
        *(lambda s=s: encode("-sample", s, "-progressive") for s in SAMPLINGS[4:]),
        lambda: encode("-grayscale"),
        lambda: encode("-arithmetic", "-progressive"),
        lambda: separate_scans(JPEG),
        lambda: RGB,
        lambda: insert(jpeg=JPEG),
        lambda: insert(adobe(0)),
        lambda: insert(adobe(1)),
        lambda: insert(adobe(2)),
        lambda: insert(JFIF, adobe(0)),
        lambda: insert(adobe(0), adobe(1)),
        lambda: insert(segment(0xEE, adobe(0)[4:-1])),
        lambda: insert(segment(0xE0, JFIF[4:-1]), adobe(0)),
        lambda: insert(jpeg=name_components(JPEG, b"RGB")),
        lambda: name_components(JPEG, b"RGB"),
        lambda: insert(adobe(1), jpeg=name_components(JPEG, b"RGB")),
        lambda: insert(jpeg=name_components(JPEG, b"rgb")),
    ],
)
def test_pixels_are_those_of_djpeg(make_jpeg: Callable[[], bytes]) -> None:
    data = make_jpeg()
    shown, expected = show(data), show_with_djpeg(data)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 0.5


@pytest.mark.parametrize("segments", [(adobe(0),), (adobe(2),), (adobe(1),), (JFIF,), ()])
def test_cmyk_and_ycck_become_samples(segments: tuple[bytes, ...]) -> None:
    jpeg = make("CMYK")
    at = find(jpeg, 0xDB) - 4
    data = jpeg[:2] + b"".join(segments) + jpeg[at:]
    pixels = read(data, Options()).pixels
    assert isinstance(pixels, Samples)
    assert (pixels.model, pixels.values.shape) == ("cmyk", (53, 75, 4))
    inks = pixels.values.astype(int)
    shown = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    assert np.abs(shown - show_with_djpeg(data)).max() <= 1


def test_an_arithmetic_file_may_have_any_size() -> None:
    picture = photo(400, 300)
    for progressive in ((), ("-progressive",)):
        data = encode("-arithmetic", "-quality", "100", *progressive, picture=picture)
        assert len(data) > 1 << 16
        assert np.array_equal(show(data), show_with_djpeg(data))


@pytest.mark.parametrize(
    "follower",
    [
        b"\0\0\0\x20ftypmp42" + bytes(range(256)) * 900,
        b"\xff\xd8\xff\xe0 damage",
        JPEG,
        b"\xff" * 70_000,
        b"garbage",
    ],
)
@pytest.mark.parametrize("progressive", [False, True])
def test_what_follows_the_photo_does_not_matter(follower: bytes, *, progressive: bool) -> None:
    data = make(progressive=progressive)
    assert np.array_equal(show(data + follower), show(data))


def test_the_first_picture_of_a_multi_picture_file_is_read() -> None:
    first, second = (Image.fromarray(photo(48, 40, seed)) for seed in (1, 2))
    data = file_of(first, "MPO", save_all=True, append_images=[second])
    assert np.array_equal(show(data), show(file_of(first, "JPEG")))
    index = data.index(b"MPF\0")
    damaged = data[: index + 8] + b"\xff" * 60 + data[index + 68 :]
    assert np.array_equal(show(damaged), show(data))


@pytest.mark.parametrize(
    "damage",
    [
        b"garbage",
        b"\xff" * 1000,
        b"\xff\0\xff\x01\xff\xd8\xff\xd9",
        segment(0xE0, b"JFIF"),
        segment(0xE0, b"JFIF\0"),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 99),
        segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 40,
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"ICC_PROFILE\0\2\3abc"),
        segment(0xE2, b"ICC_PROFILE\0\1\1no profile"),
        segment(0xE2, b"MPF\0II*\0\xff\xff"),
        segment(0xED, b"Photoshop 3.0\x008BIM\3\xed\0\0\0\0\0\x10"),
        segment(0xEE, b"Adobe"),
        segment(0xEE, b"Adobe\0\x64\0\0\0"),
        segment(0xEB, bytes(65_533)),
        segment(0xFE, b"\xff\xd9"),
        b"\xff\xfe\0\0",
        b"\xff\xe5\0\1",
        b"\xff\xf0\xff\x02",
    ],
)
def test_damage_in_what_is_not_needed_does_not_matter(damage: bytes) -> None:
    data = JPEG[:20] + damage + JPEG[20:]
    assert read_header(data).width_px == 75
    assert np.array_equal(show(data), show(JPEG))
    instead = JPEG[:2] + damage + JPEG[20:]
    assert np.array_equal(show(instead), show(JPEG))


@pytest.mark.parametrize("end", [b"", b"\xff", JPEG])
@pytest.mark.parametrize("make_jpeg", [make, lambda: make(progressive=True), lambda: make("L")])
def test_a_photo_without_eoi_is_read(make_jpeg: Callable[[], bytes], end: bytes) -> None:
    data = make_jpeg()
    assert np.array_equal(show(data[:-2] + end), show(data))
    small = Options(width=15)
    assert read_picture(data[:-2] + end, small).size == read_picture(data, small).size == (38, 27)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_photo_is_damaged(*, progressive: bool) -> None:
    data = make(progressive=progressive)
    for length in [3, 30, *range(len(data) // 2, len(data) - 2, 97), len(data) - 3]:
        with pytest.raises(CorruptImageError):
            read(data[:length], Options())
        if length > data.index(b"\xff\xda"):
            with pytest.raises(CorruptImageError, match="truncated"):
                read(data[:length], Options(width=9))


def test_metadata_orientation_and_profile_are_read() -> None:
    profile = b"profile" * 20
    parts = (JFIF, TURNED, segment(0xE2, b"ICC_PROFILE\0\1\1" + profile))
    stored = read(insert(*parts), Options())
    assert isinstance(stored.pixels, Image.Image)
    assert stored.pixels.info["icc_profile"] == profile
    assert stored.orientation == 6
    assert stored.metadata.exif == TURNED[10:]
    assert stored.metadata.density == (1, 1, 0)


def test_bounds_are_those_of_the_upright_photo() -> None:
    data = insert(JFIF, TURNED)
    assert read_picture(data, Options(height=15)).size == (38, 27)
    assert read_picture(data, Options(width=15)).size == (75, 53)


def test_long_exif_is_left_out_but_its_orientation() -> None:
    part = segment(0xE1, b"Exif\0\0" + bytes(65_000))
    count = LONGEST_EXIF_BYTES // 65_000
    assert read(insert(TURNED, part * (count - 1)), Options()).metadata.exif is not None
    stored = read(insert(TURNED, part * (count + 1)), Options())
    assert (stored.metadata.exif, stored.orientation) == (None, 6)


@pytest.mark.parametrize(
    "data",
    [
        insert(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff") + bytes(60_000)),
        insert(segment(0xE1, b"Exif\0\0") * 9_000),
        insert(segment(0xE2, b"ICC_PROFILE\0\1\1") * 9_000),
        insert(segment(0xDB, b"\0" + b"\1" * 64) * 9_000 + JPEG[20:]),
        JPEG[:-2] + segment(0xFE, b"") * 1_000_000,
    ],
)
def test_photos_of_many_pieces_cost_little(data: bytes) -> None:
    started_s = time.process_time()
    assert show(data).shape == (53, 75, 3)
    assert time.process_time() - started_s < 1


@pytest.mark.parametrize(
    "data",
    [
        insert(segment(0xE9, b"") * 1_000_000),
        insert(b"\xff" * 4_000_000),
        insert((bytes(MAX_GAP_BYTES - 9) + segment(0xE9, b"")) * 60),
        make(progressive=True)[:-2] + segment(0xFE, b"") * 1_000_000,
        make(progressive=True)[:-2] + b"\xff\xd0" * 2_000_000,
        make(progressive=True)[:-9] + b"\xff\x01" * 2_000_000,
    ],
)
def test_hostile_files_cost_little(data: bytes) -> None:
    started_s = time.process_time()
    with pytest.raises(CorruptImageError):
        read(data, Options())
    assert time.process_time() - started_s < 1


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    ["jpeg-complete-without-eoi.jpg", "jpeg-arithmetic-72-kb.jpg", "jpeg-refused-short-jfif.jpg"],
)
def test_reports_are_shown_as_expected(name: str) -> None:
    if not REPORTS.is_dir():
        pytest.skip("there are no reports")
    with Image.open(REPORTS / f"{name}.expected.png") as image:
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(show((REPORTS / name).read_bytes()), expected)
