"""Files of every kind of image and option open without a warning in Pillow, ffmpeg and opj_decompress.

Pillow's decoder is OpenJPEG, ffmpeg's is its own.
"""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg2000.encode import encode
from codec.jpeg2000.layout import PRECINCT
from codec.settings import EncodeSettings
from tests.codec.pictures import noise, scene, sky, spot, text
from tests.conftest import needs
from tests.photos import standard_jpeg

SIZES = [(1, 1), (7, 9), (9, 7), (17, 1), (1, 33), (2, 2), (257, 17), (17, 257), (64, 48), (65, 33)]
KINDS = {
    "photo": scene(121, 150),
    "noise": noise(121, 150),
    "flat": np.full((121, 150, 3), (200, 30, 90), np.uint8),
    "white": np.full((121, 150, 3), 255, np.uint8),
    "text": text(121, 150),
    "gradient": sky(121, 150),
}


@dataclass(frozen=True)
class File:
    """One file and the image that it shows."""

    path: Path
    image: NDArray[np.uint8]


def list_cases() -> dict[str, tuple[NDArray[np.uint8], dict[str, Any]]]:
    """Return images with options by name: every kind of both, but not every combination."""
    cases: dict[str, tuple[NDArray[np.uint8], dict[str, Any]]] = {}
    for kind, image in KINDS.items():
        for progressive in (False, True):
            options: dict[str, Any] = {"quality": 70, "progressive": progressive}
            cases[f"{kind}-{progressive}"] = (image, options)
            cases[f"{kind}-grey-{progressive}"] = (np.ascontiguousarray(image[..., 0]), options)
    for number, (height, width) in enumerate(SIZES):
        image = scene(height, width)
        cases[f"{height}x{width}"] = (image, {"progressive": number % 2 == 0})
        cases[f"{height}x{width}-grey"] = (image[..., 0], {"progressive": number % 2 == 1})
    strip = np.tile(scene(10, 655), (1, 100, 1))
    cases["10x65500"] = (strip, {})
    cases["65500x10"] = (np.ascontiguousarray(strip.swapaxes(0, 1)), {"progressive": True})
    for name, options in {
        "finest": {"quality": 100},
        "coarsest": {"quality": 1},
        "quality": {"target": "quality"},
        "max-bytes": {"max_bytes": 1500},
        "smallest": {"max_bytes": 230},
        "strongest": {"strength": 1.0},
    }.items():
        cases[f"photo-{name}"] = (KINDS["photo"], options)
        cases[f"text-{name}"] = (KINDS["text"], options)
    return cases


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[File]:
    folder = tmp_path_factory.mktemp("files")
    files = []
    for name, (image, options) in list_cases().items():
        path = folder / f"{name}.jp2"
        path.write_bytes(encode(image, spot(10, 12), EncodeSettings(**options)).data)
        files.append(File(path, image))
    return files


def read(path: Path) -> NDArray[np.float64]:
    with Image.open(path) as opened:
        return np.asarray(opened, np.float64)


def test_pillow_opens_every_file_and_shows_the_image(written: list[File]) -> None:
    for file in written:
        with Image.open(file.path) as opened:
            assert opened.format == "JPEG2000"
            opened.load()
            assert opened.size == file.image.shape[1::-1], file.path.name
            assert opened.mode == ("L" if file.image.ndim == 2 else "RGB"), file.path.name
        if file.path.stem.startswith(("noise", "photo-coarsest", "text", "photo-s", "photo-m")):
            continue  # bytes are few: JPEG, too, shows little
        own = np.sqrt(np.mean((read(file.path) - file.image) ** 2))
        with Image.open(io.BytesIO(standard_jpeg(file.image, 70))) as opened:
            reference = np.sqrt(np.mean((np.asarray(opened, np.float64) - file.image) ** 2))
        assert own < 2 * reference + 3, file.path.name


def test_ffmpeg_opens_every_file_without_a_warning(written: list[File]) -> None:
    # ffmpeg 9.0 reads no resolution with two precincts, in OpenJPEG's own files neither.
    files = [file for file in written if max(file.image.shape) <= 1 << PRECINCT]
    # One process for all files; only a failure is searched file by file.
    if run_ffmpeg(files) != (0, ""):
        for file in files:
            assert run_ffmpeg([file]) == (0, ""), file.path.name


def run_ffmpeg(files: list[File]) -> tuple[int, str]:
    inputs = [argument for file in files for argument in ("-i", str(file.path))]
    maps = [argument for i in range(len(files)) for argument in ("-map", str(i))]
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-v", "warning", "-xerror", *inputs, *maps, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


def test_ffmpeg_shows_the_pixels_that_openjpeg_shows(written: list[File], tmp_path: Path) -> None:
    for file in written:
        if not file.path.stem.startswith(("photo-", "noise")):
            continue
        shown = tmp_path / f"{file.path.stem}.png"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", file.path, shown]
        subprocess.run(command, check=True, timeout=60)
        with Image.open(shown) as opened:
            difference = np.abs(np.asarray(opened, np.float64) - read(file.path))
        assert difference.max() <= 2, file.path.name


@needs(shutil.which("opj_decompress"), "opj_decompress is not on PATH")
def test_opj_decompress_opens_every_file_without_a_warning(
    written: list[File], tmp_path: Path
) -> None:
    for file in written:
        shown = tmp_path / f"{file.path.stem}.png"
        command = ["opj_decompress", "-i", file.path, "-o", shown]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (file.path.name, done.stderr)
        assert "WARNING" not in done.stdout + done.stderr, file.path.name
        with Image.open(shown) as opened:
            difference = np.abs(np.asarray(opened, np.float64) - read(file.path))
        assert difference.max() <= 1, file.path.name


@needs(shutil.which("grk_decompress"), "grk_decompress is not on PATH")
def test_grok_opens_every_file(written: list[File], tmp_path: Path) -> None:
    for file in written:
        shown = tmp_path / f"{file.path.stem}.png"
        command = ["grk_decompress", "-i", file.path, "-o", shown]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, (file.path.name, done.stderr)
        with Image.open(shown) as opened:
            difference = np.abs(np.asarray(opened, np.float64) - read(file.path))
        assert difference.max() <= 2, file.path.name
