"""Format and size are those that Pillow finds, and hostile headers cost little memory and time."""

import io
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.image_headers.read import (
    READERS,
    ImageHeader,
    check_size,
    detect_format,
    read_header,
)
from contract.image_headers.steps import Steps, TooManyStepsError
from contract.images import IMAGE_FORMATS, MAX_SIDE_PX, NOT_AN_IMAGE
from tests.fuzz.seeds import make_seeds
from tests.photos import file_of, photo

ROOT = Path(__file__).parents[3]
# On a machine with nothing else to do, the longest takes 30 ms.
MAX_CPU_S = 0.15
FEWEST_OUTCOMES = 20
ORIENTATION = 274
TURNED = {5, 6, 7, 8}


def test_every_accepted_format_has_a_reader() -> None:
    assert tuple(READERS) == IMAGE_FORMATS


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_every_accepted_format_is_recognised(name: str) -> None:
    assert read_header(file_of(photo(33, 21), name)) == ImageHeader(name, 33, 21)


def test_a_jpeg_with_further_pictures_is_a_jpeg() -> None:
    first, second = (Image.fromarray(photo(32, 24, seed)) for seed in (1, 2))
    data = file_of(first, "MPO", save_all=True, append_images=[second])
    assert read_header(data) == ImageHeader("JPEG", 32, 24)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"hello, world", b"<svg/>", b"%PDF-1.7", bytes(1000), b"\xff", b"GIF"]
)
def test_other_content_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedImageError, match=NOT_AN_IMAGE):
        read_header(data)


@pytest.mark.parametrize("data", [b"BM is no photo", b"GIF89a", b"\xff\xd8", b"II*\0"])
def test_a_damaged_header_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptImageError, match="header is damaged"):
        read_header(data)


def test_a_side_of_no_pixels_is_corrupt() -> None:
    png = file_of(photo(33, 21))
    with pytest.raises(CorruptImageError, match="no pixels"):
        read_header(png[:16] + bytes(4) + png[20:])


@pytest.mark.parametrize(
    ("brands", "name"),
    [
        ((b"heic", b"heic"), "HEIC"),
        ((b"mif1", b"heic"), "HEIC"),
        ((b"mif2", b"mif1"), "HEIC"),
        ((b"hevc", b"avif"), "HEIC"),
        ((b"mif1", b"avif"), "AVIF"),
    ],
)
def test_heif_is_told_by_its_brands(brands: tuple[bytes, bytes], name: str) -> None:
    head = b"\x00\x00\x00\x18ftyp%b\x00\x00\x00\x00mif1%b" + bytes(100)
    assert detect_format(head % brands, Steps()) == name
    with pytest.raises(CorruptImageError):
        read_header(head % brands)
    with pytest.raises(UnsupportedImageError, match="not a JPEG"):
        read_header(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp41" + bytes(100))


def test_steps_are_limited() -> None:
    data = file_of(photo(33, 21), "JPEG")
    with pytest.raises(TooManyStepsError):
        read_header(data, 3)


def test_pixels_and_sides_are_limited() -> None:
    check_size(ImageHeader("PNG", 100, 100), 10_000)
    with pytest.raises(TooManyPixelsError, match="100 × 101"):
        check_size(ImageHeader("PNG", 100, 101), 10_000)
    with pytest.raises(TooManyPixelsError, match="65500"):
        check_size(ImageHeader("PNG", MAX_SIDE_PX + 1, 1), 10_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the address space in use")
def test_hostile_headers_cost_little_memory_and_time() -> None:
    command = [sys.executable, "-m", "tests.contract.image_headers.measure"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    figures = json.loads(shown.stdout)
    assert figures["longest_s"] < MAX_CPU_S, figures
    # The headers reach every reader, and every limit.
    kinds = {*IMAGE_FORMATS, "CorruptImageError", "UnsupportedImageError", "TooManyStepsError"}
    assert figures["outcomes"].keys() == kinds
    assert min(figures["outcomes"].values()) > FEWEST_OUTCOMES, figures


def pillow_s_header(file: Path | io.BytesIO) -> ImageHeader | None:
    """Return what Pillow finds, with the size before any rotation; None if it finds no image."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file) as image:
            width_px, height_px = image.size
            if image.format == "TIFF" and image.tag_v2.get(ORIENTATION) in TURNED:
                width_px, height_px = height_px, width_px
            name = "JPEG" if image.format == "MPO" else image.format
    except Exception:  # noqa: BLE001
        return None
    return ImageHeader(name or "", width_px, height_px)


def test_pillow_finds_the_same_in_every_seed() -> None:
    for name, data in make_seeds():
        if name.endswith(".heic"):  # which Pillow can't read
            continue
        assert read_header(data) == pillow_s_header(io.BytesIO(data)), name


@pytest.mark.data
def test_pillow_finds_the_same_in_every_photo_of_the_larger_data(data_dir: Path) -> None:
    checked = 0
    for path in larger_data(data_dir):
        expected = pillow_s_header(path)
        if not expected or expected.format not in IMAGE_FORMATS:
            continue
        try:
            assert read_header(path.read_bytes()) == expected, path
        except CorruptImageError:
            with pytest.raises(OSError, match="cannot load"), Image.open(path) as image:
                image.load()
        checked += 1
    assert checked > 300


def larger_data(data_dir: Path) -> Iterator[Path]:
    """Yield all odd files and a sample of the photos."""
    for pattern, every in (
        ("hostile/**/*", 1),
        ("reports/*", 1),
        ("lossless/*", 1),
        ("*/*.*", 20),
        ("*/*/*.*", 50),
    ):
        paths = sorted(path for path in data_dir.glob(pattern) if path.is_file())
        yield from paths[::every]
