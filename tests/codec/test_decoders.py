"""Every file opens in decoders of others, without a warning."""

import io
import shutil
import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from codec.encoder import encode
from codec.settings import EncodeSettings, Subsampling
from tests.codec.pictures import photo, spot

SIZES = [(1, 1), (7, 9), (9, 7), (17, 1), (257, 17), (17, 257), (64, 48)]


def files(folder: Path) -> list[tuple[Path, tuple[int, int]]]:
    written = []
    subsamplings: tuple[Subsampling, ...] = ("420", "444")
    for height, width in SIZES:
        for grey in (False, True):
            for subsampling in subsamplings[: 1 if grey else 2]:
                image = photo(height, width)
                image = image[..., 0] if grey else image
                settings = EncodeSettings(quality=70, subsampling=subsampling)
                path = folder / f"{height}x{width}-{'grey' if grey else subsampling}.jpg"
                path.write_bytes(encode(image, spot(10, 12), settings).jpeg)
                written.append((path, (height, width)))
    return written


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, tuple[int, int]]]:
    return files(tmp_path_factory.mktemp("files"))


def test_pillow_opens_every_file(written: list[tuple[Path, tuple[int, int]]]) -> None:
    for path, (height, width) in written:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
            assert image.size == (width, height)
            assert image.mode == ("L" if "grey" in path.name else "RGB")
            assert "progressive" not in image.info
            decoded = np.asarray(image.convert("L"), np.float64)
        original = np.asarray(
            Image.fromarray(photo(height, width)).convert("L")
            if image.mode == "RGB"
            else photo(height, width)[..., 0],
            np.float64,
        )
        assert np.sqrt(((decoded - original) ** 2).mean()) < 12


def test_ffmpeg_opens_every_file_without_a_warning(
    written: list[tuple[Path, tuple[int, int]]],
) -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    for path, _ in written:
        command = [ffmpeg, "-v", "warning", "-xerror", "-i", path, "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), path.name


@pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not on PATH")
def test_djpeg_opens_every_file_without_a_warning(
    written: list[tuple[Path, tuple[int, int]]],
) -> None:
    for path, _ in written:
        done = subprocess.run(["djpeg", path], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), path.name
