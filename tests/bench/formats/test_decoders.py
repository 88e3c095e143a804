"""All decoders show the same of a plain file, and say why they refuse another."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.formats import decoders
from bench.formats.decoders import DECODERS, MAGICK, RefusedError
from bench.formats.profiles import make_profiles
from tests.photos import photo


@pytest.fixture(params=["ours", "libvips", "ImageMagick", "FFmpeg"])
def decoder(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "ImageMagick" and shutil.which(MAGICK) is None:
        pytest.skip("needs ImageMagick")
    return name


def test_a_file_is_shown_on_white(decoder: str, tmp_path: Path) -> None:
    samples = np.dstack([photo(33, 21), np.full((21, 33), 255, np.uint8)])
    samples[:, :10, 3] = 0
    Image.fromarray(samples).save(tmp_path / "photo.png")
    shown = DECODERS[decoder](tmp_path / "photo.png")
    assert shown.dtype == np.uint8
    assert (shown[:, :10] == 255).all()
    assert np.array_equal(shown[:, 10:], samples[:, 10:, :3])


def test_a_file_is_shown_upright(decoder: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photo(33, 21)).save(tmp_path / "photo.jpg", exif=exif)
    assert DECODERS[decoder](tmp_path / "photo.jpg").shape == (33, 21, 3)


def test_colours_are_converted_by_all_but_ffmpeg(decoder: str, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), (200, 100, 100)).save(
        tmp_path / "photo.png", icc_profile=make_profiles()["adobe"]
    )
    shown = DECODERS[decoder](tmp_path / "photo.png")[4, 4].astype(int)
    assert (shown[0] > 210) == (decoder != "FFmpeg")


def test_a_refusal_has_a_reason(decoder: str, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    with pytest.raises(RefusedError, match=r"\w"):
        DECODERS[decoder](tmp_path / "photo.png")


def test_the_versions_of_independent_decoders_are_known() -> None:
    if shutil.which(MAGICK) is None:
        pytest.skip("needs ImageMagick")
    versions = decoders.describe_decoders()
    assert set(versions) == {"libvips", "ImageMagick", "FFmpeg", "Chromium"}
    named = [version for version in versions.values() if version != "none"]
    assert all(any(sign.isdigit() for sign in version) for version in named)


def test_libheif_shows_a_file_with_alpha_on_white(tmp_path: Path) -> None:
    if shutil.which("heif-convert") is None:
        pytest.skip("needs libheif-examples")
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(tmp_path / "photo.avif")
    assert (decoders.decode_libheif(tmp_path / "photo.avif") == 255).all()
